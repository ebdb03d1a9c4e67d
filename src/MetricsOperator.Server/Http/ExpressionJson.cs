using System.Text.Json;
using MetricsOperator.PromQL.Syntax;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Server.Http;

/// <summary>Writes a parsed query as a tree of JSON objects, in the form that Prometheus' web UI explains queries from.</summary>
internal static class ExpressionJson
{
    public static void Write(Utf8JsonWriter json, Expr? expression)
    {
        if (expression is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        switch (expression)
        {
            case AggregateExpr aggregate:
                Child(json, "expr", aggregate.Operand);
                Strings(json, "grouping", aggregate.Grouping);
                json.WriteString("op"u8, aggregate.Operator.Symbol());
                Child(json, "param", aggregate.Parameter);
                json.WriteString("type"u8, "aggregation"u8);
                json.WriteBoolean("without"u8, aggregate.Without);
                break;
            case BinaryExpr binary:
                WriteBinary(json, binary);
                break;
            case CallExpr call:
                WriteCall(json, call);
                break;
            case MatrixSelector matrix:
                WriteMatchers(json, matrix.Selector);
                json.WriteNumber("range"u8, matrix.RangeMs);
                WriteTime(json, matrix.Selector.Time);
                json.WriteString("type"u8, "matrixSelector"u8);
                break;
            case VectorSelector selector:
                WriteMatchers(json, selector);
                WriteTime(json, selector.Time);
                json.WriteString("type"u8, "vectorSelector"u8);
                break;
            case SubqueryExpr subquery:
                Child(json, "expr", subquery.Inner);
                json.WriteNumber("range"u8, subquery.RangeMs);
                json.WriteNumber("step"u8, subquery.StepMs);
                WriteTime(json, subquery.Time);
                json.WriteString("type"u8, "subquery"u8);
                break;
            case NumberLiteral number:
                json.WriteString("type"u8, "numberLiteral"u8);
                json.WriteString("val"u8, GoNumbers.FormatPlain(number.Value));
                break;
            case StringLiteral text:
                json.WriteString("type"u8, "stringLiteral"u8);
                json.WriteString("val"u8, text.Value);
                break;
            case ParenExpr paren:
                Child(json, "expr", paren.Inner);
                json.WriteString("type"u8, "parenExpr"u8);
                break;
            case UnaryExpr unary:
                Child(json, "expr", unary.Operand);
                json.WriteString("op"u8, unary.Negate ? "-"u8 : "+"u8);
                json.WriteString("type"u8, "unaryExpr"u8);
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteBinary(Utf8JsonWriter json, BinaryExpr binary)
    {
        json.WriteBoolean("bool"u8, binary.ReturnBool);
        Child(json, "lhs", binary.Left);
        if (binary.Matching is { } matching)
        {
            json.WriteStartObject("matching"u8);
            json.WriteString("card"u8, matching.Cardinality switch
            {
                MatchCardinality.OneToOne => "one-to-one"u8,
                MatchCardinality.ManyToOne => "many-to-one"u8,
                MatchCardinality.OneToMany => "one-to-many"u8,
                _ => "many-to-many"u8,
            });
            Strings(json, "include", matching.Include);
            Strings(json, "labels", matching.Labels);
            json.WriteBoolean("on"u8, matching.On);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("matching"u8);
        }

        json.WriteString("op"u8, binary.Operator.Symbol());
        Child(json, "rhs", binary.Right);
        json.WriteString("type"u8, "binaryExpr"u8);
    }

    private static void WriteCall(Utf8JsonWriter json, CallExpr call)
    {
        json.WriteStartArray("args"u8);
        foreach (var argument in call.Arguments)
        {
            Write(json, argument);
        }

        json.WriteEndArray();
        json.WriteStartObject("func"u8);
        Strings(json, "argTypes", call.Function.ArgumentTypes.Select(t => t.ApiName()));
        json.WriteString("name"u8, call.Function.Name);
        json.WriteString("returnType"u8, call.Function.ReturnType.ApiName());
        json.WriteNumber("variadic"u8, call.Function.Variadic);
        json.WriteEndObject();
        json.WriteString("type"u8, "call"u8);
    }

    private static void WriteMatchers(Utf8JsonWriter json, VectorSelector selector)
    {
        json.WriteStartArray("matchers"u8);
        foreach (var matcher in selector.Matchers)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, matcher.Name);
            json.WriteString("type"u8, matcher.Type switch
            {
                MatchType.Equal => "="u8,
                MatchType.NotEqual => "!="u8,
                MatchType.RegexMatch => "=~"u8,
                _ => "!~"u8,
            });
            json.WriteString("value"u8, matcher.Value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("name"u8, selector.Name);
    }

    private static void WriteTime(Utf8JsonWriter json, TimeModifiers time)
    {
        json.WriteNumber("offset"u8, time.OffsetMs);
        if (time.Anchor == AtAnchor.None)
        {
            json.WriteNull("startOrEnd"u8);
        }
        else
        {
            json.WriteString("startOrEnd"u8, time.Anchor == AtAnchor.Start ? "start"u8 : "end"u8);
        }

        if (time.AtMs is { } at)
        {
            json.WriteNumber("timestamp"u8, at);
        }
        else
        {
            json.WriteNull("timestamp"u8);
        }
    }

    private static void Child(Utf8JsonWriter json, string name, Expr? child)
    {
        json.WritePropertyName(name);
        Write(json, child);
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WritePropertyName(name);
        json.WriteStrings(values);
    }
}

using System.Globalization;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Prints expressions on one line, in Prometheus' spelling.</summary>
internal static class ExprPrinter
{
    public static string Print(Expr expression)
    {
        var text = new StringBuilder();
        Print(expression, text);
        return text.ToString();
    }

    /// <summary>The part after an aggregator's name: <c> by (a, b) </c>, or nothing.</summary>
    public static string Grouping(AggregateExpr aggregate)
    {
        if (aggregate.Without)
        {
            return $" without ({Labels(aggregate.Grouping)}) ";
        }

        return aggregate.Grouping.Count > 0 ? $" by ({Labels(aggregate.Grouping)}) " : string.Empty;
    }

    /// <summary>Operator and matching of a binary expression: <c>== bool on (a) group_left (b)</c>.</summary>
    public static string OperatorWithMatching(BinaryExpr binary)
    {
        var text = new StringBuilder(binary.Operator.Symbol());
        if (binary.ReturnBool)
        {
            text.Append(" bool");
        }

        if (binary.Matching is { } matching && (matching.Labels.Count > 0 || matching.On))
        {
            text.Append(matching.On ? " on (" : " ignoring (").Append(Labels(matching.Labels)).Append(')');
            if (matching.Cardinality is MatchCardinality.ManyToOne or MatchCardinality.OneToMany)
            {
                text.Append(matching.Cardinality == MatchCardinality.ManyToOne ? " group_left (" : " group_right (")
                    .Append(Labels(matching.Include)).Append(')');
            }
        }
        else if (binary.Matching is { Cardinality: MatchCardinality.ManyToOne or MatchCardinality.OneToMany } grouped)
        {
            text.Append(grouped.Cardinality == MatchCardinality.ManyToOne ? " ignoring () group_left (" : " ignoring () group_right (")
                .Append(Labels(grouped.Include)).Append(')');
        }

        return text.ToString();
    }

    /// <summary>Range in brackets with what follows it.</summary>
    public static string Range(Expr expression) => expression switch
    {
        MatrixSelector matrix => $"[{Duration(matrix.RangeMs, matrix.RangeExpression)}]" + Modifiers(matrix.Selector.Time),
        SubqueryExpr subquery => $"[{Duration(subquery.RangeMs, subquery.RangeExpression)}:"
            + (subquery.StepMs > 0 ? Duration(subquery.StepMs, subquery.StepExpression) : string.Empty) + "]" + Modifiers(subquery.Time),
        _ => string.Empty,
    };

    private static void Print(Expr expression, StringBuilder text)
    {
        switch (expression)
        {
            case NumberLiteral number:
                text.Append(number.IsDuration ? Durations.Format((long)Math.Round(number.Value * 1000)) : GoNumbers.Format(number.Value));
                break;
            case StringLiteral literal:
                text.Append(StringLiterals.Quote(literal.Value));
                break;
            case ParenExpr paren:
                text.Append('(');
                Print(paren.Inner, text);
                text.Append(')');
                break;
            case UnaryExpr unary:
                text.Append(unary.Negate ? '-' : '+');
                Print(unary.Operand, text);
                break;
            case BinaryExpr binary:
                if (binary is { Operator: BinaryOperator.Pow, Left: NumberLiteral { Value: double.PositiveInfinity } })
                {
                    // A sign binds weaker than the power and would become an operator of its own.
                    text.Append("Inf");
                }
                else
                {
                    Print(binary.Left, text);
                }

                text.Append(' ').Append(OperatorWithMatching(binary)).Append(' ');
                Print(binary.Right, text);
                break;
            case AggregateExpr aggregate:
                text.Append(aggregate.Operator.Symbol()).Append(Grouping(aggregate));
                PrintArguments(aggregate.Children, text);
                break;
            case CallExpr call:
                text.Append(call.Function.Name);
                PrintArguments(call.Arguments, text);
                break;
            case VectorSelector selector:
                PrintSelector(selector, text);
                text.Append(Modifiers(selector.Time));
                break;
            case MatrixSelector matrix:
                PrintSelector(matrix.Selector, text);
                text.Append(Range(matrix));
                break;
            case SubqueryExpr subquery:
                Print(subquery.Inner, text);
                text.Append(Range(subquery));
                break;
        }
    }

    private static void PrintArguments(IEnumerable<Expr> arguments, StringBuilder text)
    {
        text.Append('(');
        var first = true;
        foreach (var argument in arguments)
        {
            if (!first)
            {
                text.Append(", ");
            }

            first = false;
            Print(argument, text);
        }

        text.Append(')');
    }

    private static void PrintSelector(VectorSelector selector, StringBuilder text)
    {
        text.Append(selector.Name);
        var matchers = selector.Name.Length > 0 ? selector.Matchers.Take(selector.Matchers.Count - 1) : selector.Matchers;
        var parts = matchers.Select(Matcher).Order(StringComparer.Ordinal).ToList();
        if (parts.Count > 0 || selector.Name.Length == 0)
        {
            text.Append('{').AppendJoin(',', parts).Append('}');
        }
    }

    private static string Matcher(LabelMatcher matcher)
    {
        var op = matcher.Type switch
        {
            MatchType.Equal => "=",
            MatchType.NotEqual => "!=",
            MatchType.RegexMatch => "=~",
            _ => "!~",
        };
        return LabelName(matcher.Name) + op + StringLiterals.Quote(matcher.Value);
    }

    private static string Modifiers(TimeModifiers time)
    {
        var text = time switch
        {
            { AtMs: { } at } => string.Create(CultureInfo.InvariantCulture, $" @ {(decimal)at / 1000:F3}"),
            { Anchor: AtAnchor.Start } => " @ start()",
            { Anchor: AtAnchor.End } => " @ end()",
            _ => string.Empty,
        };
        if (time.OffsetExpression is not null)
        {
            return $"{text} offset {time.OffsetExpression}";
        }

        return time.OffsetMs == 0 ? text : $"{text} offset {Durations.Format(time.OffsetMs)}";
    }

    private static string Duration(long ms, DurationExpr? expression) => expression?.ToString() ?? Durations.Format(ms);

    private static string Labels(IEnumerable<string> labels) => string.Join(", ", labels.Select(LabelName));

    private static string LabelName(string name) => LabelNames.IsLegacyValid(name) ? name : StringLiterals.Quote(name);
}

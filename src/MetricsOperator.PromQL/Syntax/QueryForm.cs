using System.Globalization;
using System.Text;
using MetricsOperator.Timeseries.Hashing;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>
/// What a query is when its numbers and times are taken away: the same panel asked again at another time, over another range or with another
/// threshold has the same form. What decides which series are read stays: metric names, matchers with their values, functions, groupings.
/// </summary>
public sealed class QueryForm
{
    private QueryForm(Expr expression)
    {
        var text = new StringBuilder();
        Print(expression, text);
        Text = text.ToString();
        Fingerprint = StableHash.Hash64(Encoding.UTF8.GetBytes(Text));
        ReachMs = SelectorUse.Of(expression).Select(u => Math.Max(u.RangeMs, 0) + Math.Max(u.SubqueryRangeMs, 0)).DefaultIfEmpty(0).Max();
    }

    /// <summary>The canonical text; not PromQL.</summary>
    public string Text { get; }

    /// <summary>Hash of <see cref="Text"/>; the same in every process and version.</summary>
    public ulong Fingerprint { get; }

    /// <summary>How far before its evaluation time the query reads by its ranges and subqueries, in milliseconds.</summary>
    public long ReachMs { get; }

    /// <summary>The form of a parsed query.</summary>
    public static QueryForm Of(Expr expression) => new(expression);

    /// <summary>A fingerprint as it is shown: 16 hexadecimal digits.</summary>
    public static string Format(ulong fingerprint) => fingerprint.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Reads what <see cref="Format"/> writes.</summary>
    public static bool TryParse(string? text, out ulong fingerprint)
    {
        fingerprint = 0;
        return text is { Length: 16 } && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out fingerprint);
    }

    private static void Print(Expr expression, StringBuilder text)
    {
        switch (expression)
        {
            case NumberLiteral:
                text.Append('#');
                break;
            case StringLiteral:
                text.Append("\"\"");
                break;
            case ParenExpr paren:
                Print(paren.Inner, text);
                break;
            case UnaryExpr unary:
                // A sign of a number is part of the number, a plus changes nothing.
                text.Append(unary.Negate && unary.Operand is not NumberLiteral ? "-" : string.Empty);
                Print(unary.Operand, text);
                break;
            case BinaryExpr binary:
                text.Append('(');
                Print(binary.Left, text);
                PrintOperator(binary, text);
                Print(binary.Right, text);
                text.Append(')');
                break;
            case AggregateExpr aggregate:
                text.Append(aggregate.Operator.Symbol()).Append(aggregate.Without ? " without" : " by");
                PrintLabels(aggregate.Grouping, text);
                PrintAll(aggregate.Children, text);
                break;
            case CallExpr call:
                text.Append(call.Function.Name);
                PrintAll(call.Arguments, text);
                break;
            case VectorSelector selector:
                PrintSelector(selector, text);
                break;
            case MatrixSelector matrix:
                PrintSelector(matrix.Selector, text);
                text.Append("[]");
                break;
            case SubqueryExpr subquery:
                Print(subquery.Inner, text);
                text.Append("[:]");
                break;
            default:
                throw new InvalidOperationException($"no form for {expression.GetType().Name}");
        }
    }

    private static void PrintAll(IEnumerable<Expr> arguments, StringBuilder text)
    {
        text.Append('(');
        var separator = string.Empty;
        foreach (var argument in arguments)
        {
            text.Append(separator);
            Print(argument, text);
            separator = ",";
        }

        text.Append(')');
    }

    private static void PrintOperator(BinaryExpr binary, StringBuilder text)
    {
        text.Append(' ').Append(binary.Operator.Symbol()).Append(binary.ReturnBool ? " bool" : string.Empty);
        if (binary.Matching is { } matching && (matching.On || matching.Labels.Count > 0 || matching.Cardinality is not MatchCardinality.OneToOne))
        {
            text.Append(matching.On ? " on" : " ignoring");
            PrintLabels(matching.Labels, text);
            if (matching.Cardinality is MatchCardinality.ManyToOne or MatchCardinality.OneToMany)
            {
                text.Append(matching.Cardinality == MatchCardinality.ManyToOne ? " group_left" : " group_right");
                PrintLabels(matching.Include, text);
            }
        }

        text.Append(' ');
    }

    private static void PrintLabels(IEnumerable<string> labels, StringBuilder text) =>
        text.Append('(').AppendJoin(',', labels.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(LabelNames.Quote)).Append(')');

    private static void PrintSelector(VectorSelector selector, StringBuilder text) =>
        text.Append('{').AppendJoin(',', selector.Matchers.Select(m => m.ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)).Append('}');
}

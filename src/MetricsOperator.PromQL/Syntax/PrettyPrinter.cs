using System.Text;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Prints expressions over several lines, laid out as Prometheus does: a node that does not fit into one line gives each part its own.</summary>
internal static class PrettyPrinter
{
    private const int MaxLineBytes = 100;
    private const int IndentWidth = 2;

    public static string Print(Expr expression)
    {
        var text = new StringBuilder();
        Print(expression, 0, text);
        return text.ToString();
    }

    private static void Print(Expr expression, int level, StringBuilder text)
    {
        var line = ExprPrinter.Print(expression);
        var fits = Encoding.UTF8.GetByteCount(line) <= MaxLineBytes;
        if (expression is SubqueryExpr subquery)
        {
            // One that fits is not indented: Prometheus' layout.
            if (fits)
            {
                text.Append(line);
                return;
            }

            Print(subquery.Inner, level, text);
            text.Append(ExprPrinter.Range(subquery));
            return;
        }

        if (expression is UnaryExpr unary)
        {
            var operand = new StringBuilder();
            Print(unary.Operand, level, operand);
            Indent(level, text).Append(unary.Negate ? '-' : '+').Append(operand.ToString().Trim());
            return;
        }

        if (fits || expression is not (BinaryExpr or AggregateExpr or CallExpr { Arguments.Count: > 0 } or ParenExpr))
        {
            Indent(level, text).Append(line);
            return;
        }

        Split(expression, level, text);
    }

    private static void Split(Expr expression, int level, StringBuilder text)
    {
        if (expression is BinaryExpr binary)
        {
            Print(binary.Left, level + 1, text);
            Indent(level, text.Append('\n')).Append(ExprPrinter.OperatorWithMatching(binary)).Append('\n');
            Print(binary.Right, level + 1, text);
            return;
        }

        Indent(level, text).Append(expression switch
        {
            AggregateExpr aggregate => aggregate.Operator.Symbol() + ExprPrinter.Grouping(aggregate),
            CallExpr call => call.Function.Name,
            _ => string.Empty,
        }).Append("(\n");
        var separator = string.Empty;
        foreach (var child in expression.Children)
        {
            Print(child, level + 1, text.Append(separator));
            separator = ",\n";
        }

        Indent(level, text.Append('\n')).Append(')');
    }

    private static StringBuilder Indent(int level, StringBuilder text) => text.Append(' ', level * IndentWidth);
}

namespace MetricsOperator.PromQL.Syntax;

internal static class ExprPrinter
{
    public static string Print(Expr expression) => expression.GetType().Name;
}

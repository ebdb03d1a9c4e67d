using MetricsOperator.PromQL.Typing;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Parses and type-checks PromQL.</summary>
public static class PromQLParser
{
    /// <summary>Parses a query.</summary>
    /// <exception cref="ParseException">The text is not valid or its types do not fit; the message has line and column.</exception>
    public static Expr Parse(string query, ParserOptions? options = null)
    {
        var expression = new ExpressionParser(query, options ?? ParserOptions.Stable).ParseQuery();
        TypeChecker.Check(expression, query);
        return expression;
    }

    /// <summary>Parses a series selector such as <c>up{job="a"}</c>, as in <c>match[]</c>.</summary>
    /// <exception cref="ParseException">The text is not a selector, or it could match everything.</exception>
    public static IReadOnlyList<LabelMatcher> ParseSelector(string selector)
    {
        var expression = new ExpressionParser(selector, ParserOptions.Stable).ParseLoneSelector();
        TypeChecker.Check(expression, selector);
        return expression.Matchers;
    }
}

using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Parses and type-checks PromQL.</summary>
public static class PromQLParser
{
    /// <summary>Parses a query.</summary>
    /// <exception cref="ParseException">The text is not valid or its types do not fit; the message has line and column.</exception>
    public static Expr Parse(string query, ParserOptions? options = null) => throw new ParseException(query, default, "not written yet");

    /// <summary>Parses a series selector such as <c>up{job="a"}</c>, as in <c>match[]</c>.</summary>
    /// <exception cref="ParseException">The text is not a selector, or it could match everything.</exception>
    public static IReadOnlyList<LabelMatcher> ParseSelector(string selector) => throw new ParseException(selector, default, "not written yet");
}

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Words with a meaning of their own; case does not matter.</summary>
internal static class Keywords
{
    private static readonly Dictionary<string, BinaryOperator> Operators = new(StringComparer.OrdinalIgnoreCase)
    {
        ["and"] = BinaryOperator.And,
        ["or"] = BinaryOperator.Or,
        ["unless"] = BinaryOperator.Unless,
        ["atan2"] = BinaryOperator.Atan2,
    };

    private static readonly Dictionary<string, AggregateOperator> Aggregators =
        Enum.GetValues<AggregateOperator>().ToDictionary(op => op.Symbol(), StringComparer.OrdinalIgnoreCase);

    private static readonly HashSet<string> Others = new(StringComparer.OrdinalIgnoreCase)
    {
        "offset", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "start", "end",
    };

    // These words would make a query ambiguous as the name of a metric.
    private static readonly HashSet<string> NeverMetricNames = new(StringComparer.OrdinalIgnoreCase)
    {
        "on", "ignoring", "group_left", "group_right", "bool", "atan2",
    };

    public static Token Classify(string word, int start)
    {
        var end = start + word.Length;
        if (Operators.TryGetValue(word, out var op))
        {
            return new Token(TokenKind.Operator, start, end, word) { Operator = op };
        }

        if (Aggregators.TryGetValue(word, out var aggregator))
        {
            return new Token(TokenKind.Aggregator, start, end, word) { Aggregator = aggregator };
        }

        if (Others.Contains(word))
        {
            return new Token(TokenKind.Keyword, start, end, word);
        }

        if (word.Equals("inf", StringComparison.OrdinalIgnoreCase) || word.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            return new Token(TokenKind.Number, start, end, word);
        }

        return new Token(word.Contains(':', StringComparison.Ordinal) ? TokenKind.MetricIdentifier : TokenKind.Identifier, start, end, word);
    }

    /// <summary>True for a word that may be the name of a metric.</summary>
    public static bool CanNameMetric(Token token) => token.Kind switch
    {
        TokenKind.Identifier or TokenKind.MetricIdentifier or TokenKind.Aggregator => true,
        TokenKind.Keyword => !NeverMetricNames.Contains(token.Text),
        TokenKind.Operator => char.IsAsciiLetter(token.Text[0]) && !NeverMetricNames.Contains(token.Text),
        _ => false,
    };

    /// <summary>True for a word that may be a label in a grouping.</summary>
    public static bool CanNameLabel(Token token) => token.Kind switch
    {
        TokenKind.Identifier or TokenKind.Aggregator or TokenKind.Keyword => true,
        TokenKind.Operator => char.IsAsciiLetter(token.Text[0]),
        _ => false,
    };
}

namespace MetricsOperator.PromQL.Syntax;

internal enum TokenKind : byte
{
    End,
    Identifier,
    MetricIdentifier,
    String,
    Number,
    Duration,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    At,
    Assign,
    NotEqual,
    RegexMatch,
    RegexNoMatch,
    Operator,
    Aggregator,
    Keyword,
}

/// <summary>One token; <see cref="Text"/> is as written.</summary>
internal readonly record struct Token(TokenKind Kind, int Start, int End, string Text)
{
    /// <summary>For operators.</summary>
    public BinaryOperator Operator { get; init; }

    /// <summary>For aggregators.</summary>
    public AggregateOperator Aggregator { get; init; }

    public PositionRange Position => new(Start, End);

    public bool IsKeyword(string word) => Kind == TokenKind.Keyword && Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    /// <summary>The token in the words of error messages.</summary>
    public string Describe() => Kind switch
    {
        TokenKind.End => "end of input",
        TokenKind.Identifier or TokenKind.MetricIdentifier => "identifier " + StringLiterals.Quote(Text),
        TokenKind.String => "string " + QuoteShort(Text),
        TokenKind.Number => "number " + QuoteShort(Text),
        TokenKind.Duration => "duration " + QuoteShort(Text),
        TokenKind.Operator or TokenKind.NotEqual => $"<op:{Text}>",
        TokenKind.RegexMatch or TokenKind.RegexNoMatch => $"<op:{Text}>",
        TokenKind.Aggregator => $"<aggr:{Text}>",
        TokenKind.Keyword => $"<{Text}>",
        _ => StringLiterals.Quote(Text),
    };

    private static string QuoteShort(string text) => text.Length > 10 ? StringLiterals.Quote(text[..10]) + "..." : StringLiterals.Quote(text);
}

namespace MetricsOperator.Timeseries.Re2;

/// <summary>A part of a parsed RE2 expression. Groups that capture nothing leave no node.</summary>
internal abstract record Re2Node;

/// <summary>Text that must occur as it is; with <paramref name="FoldCase"/> in any case.</summary>
internal sealed record Re2Literal(string Text, bool FoldCase) : Re2Node;

/// <summary>Nothing; always matches.</summary>
internal sealed record Re2Empty : Re2Node;

/// <summary>One code point out of a set.</summary>
internal sealed record Re2Class(Re2CharSet Set, bool FoldCase) : Re2Node;

/// <summary>Any code point, newline included or not.</summary>
internal sealed record Re2Any(bool WithNewline) : Re2Node;

/// <summary>A place in the text.</summary>
internal sealed record Re2Assertion(Re2Place Place) : Re2Node;

/// <summary>Something <paramref name="Min"/> to <paramref name="Max"/> times (-1: no limit).</summary>
internal sealed record Re2Repeat(Re2Node Inner, int Min, int Max, bool Lazy) : Re2Node;

/// <summary>One after another.</summary>
internal sealed record Re2Concat(IReadOnlyList<Re2Node> Parts) : Re2Node;

/// <summary>One of several, the first that leads to a match.</summary>
internal sealed record Re2Alternate(IReadOnlyList<Re2Node> Choices) : Re2Node;

/// <summary>A numbered group.</summary>
internal sealed record Re2Capture(Re2Node Inner) : Re2Node;

/// <summary>Places that match without using text.</summary>
internal enum Re2Place : byte
{
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

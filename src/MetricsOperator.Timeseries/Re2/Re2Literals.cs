namespace MetricsOperator.Timeseries.Re2;

/// <summary>Finds the texts that an anchored expression stands for, when it is a way of writing a finite list.</summary>
internal static class Re2Literals
{
    // A list may be long because somebody wrote it out; a product of lists must not grow unseen.
    private const int MaxAlternatives = 100_000;
    private const int MaxProduct = 1000;

    /// <summary>The texts, or null when there are too many or the expression is more than a list.</summary>
    public static List<string>? Expand(Re2Node node) => Expand(node, atStart: true, atEnd: true);

    /// <summary>As <see cref="Expand(Re2Node)"/> for some of the parts of a concatenation.</summary>
    /// <param name="parts">All parts.</param>
    /// <param name="start">First part wanted.</param>
    /// <param name="end">One past the last part wanted.</param>
    /// <param name="atStart">True if nothing stands before the first part wanted.</param>
    /// <param name="atEnd">True if nothing stands after the last part wanted.</param>
    public static List<string>? Product(IReadOnlyList<Re2Node> parts, int start, int end, bool atStart, bool atEnd)
    {
        List<string> texts = [""];
        for (var i = start; i < end; i++)
        {
            if (Expand(parts[i], atStart && i == start, atEnd && i == end - 1) is not { } next
                || (texts.Count > 1 && next.Count > 1 && texts.Count * (long)next.Count > MaxProduct))
            {
                return null;
            }

            texts = [.. texts.SelectMany(_ => next, (left, right) => left + right)];
        }

        return texts;
    }

    private static List<string>? Expand(Re2Node node, bool atStart, bool atEnd)
    {
        switch (node)
        {
            // An anchor says nothing new at the end it stands for; elsewhere it is a condition.
            case Re2Empty:
            case Re2Assertion { Place: Re2Place.TextStart } when atStart:
            case Re2Assertion { Place: Re2Place.TextEnd } when atEnd:
                return [""];
            case Re2Literal { FoldCase: false } literal:
                return [literal.Text];
            case Re2Class { FoldCase: false } characters:
                return characters.Set.Enumerate(limit: 64);
            case Re2Capture capture:
                return Expand(capture.Inner, atStart, atEnd);
            case Re2Repeat { Min: 0, Max: 1 } optional:
                return Expand(optional.Inner, atStart, atEnd) is { Count: < MaxProduct } inner ? [.. inner.Append("").Distinct()] : null;
            case Re2Alternate alternate:
                return Union(alternate, atStart, atEnd);
            case Re2Concat concat:
                return Product(concat.Parts, 0, concat.Parts.Count, atStart, atEnd);
            default:
                return null;
        }
    }

    private static List<string>? Union(Re2Alternate alternate, bool atStart, bool atEnd)
    {
        var texts = new List<string>();
        foreach (var choice in alternate.Choices)
        {
            if (Expand(choice, atStart, atEnd) is not { } more || texts.Count + more.Count > MaxAlternatives)
            {
                return null;
            }

            texts.AddRange(more);
        }

        return [.. texts.Distinct()];
    }
}

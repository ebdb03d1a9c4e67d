namespace MetricsOperator.Timeseries.Re2;

/// <summary>Finds the texts that an anchored expression stands for, when it is a way of writing a finite list.</summary>
internal static class Re2Literals
{
    // A list may be long because somebody wrote it out; a product of lists must not grow unseen.
    private const int MaxAlternatives = 100_000;
    private const int MaxProduct = 1000;

    /// <summary>The texts, or null when there are too many or the expression is more than a list.</summary>
    public static List<string>? Expand(Re2Node node)
    {
        switch (node)
        {
            case Re2Empty:
            case Re2Assertion { Place: Re2Place.TextStart or Re2Place.TextEnd }:
                return node is Re2Empty ? [""] : null;
            case Re2Literal { FoldCase: false } literal:
                return [literal.Text];
            case Re2Class { FoldCase: false } characters:
                return characters.Set.Enumerate(limit: 64);
            case Re2Capture capture:
                return Expand(capture.Inner);
            case Re2Repeat { Min: 0, Max: 1 } optional:
                return Expand(optional.Inner) is { Count: < MaxProduct } inner ? [.. inner.Append("").Distinct()] : null;
            case Re2Alternate alternate:
                return Union(alternate);
            case Re2Concat concat:
                return Product(concat.Parts, 0, concat.Parts.Count);
            default:
                return null;
        }
    }

    /// <summary>As <see cref="Expand(Re2Node)"/> for some of the parts of a concatenation.</summary>
    public static List<string>? Product(IReadOnlyList<Re2Node> parts, int start, int end)
    {
        List<string> texts = [""];
        for (var i = start; i < end; i++)
        {
            // Both ends are anchored anyway.
            var isAnchor = (i == 0 && parts[i] is Re2Assertion { Place: Re2Place.TextStart })
                || (i == parts.Count - 1 && parts[i] is Re2Assertion { Place: Re2Place.TextEnd });
            if (isAnchor)
            {
                continue;
            }

            if (Expand(parts[i]) is not { } next || (texts.Count > 1 && next.Count > 1 && texts.Count * (long)next.Count > MaxProduct))
            {
                return null;
            }

            texts = [.. texts.SelectMany(_ => next, (left, right) => left + right)];
        }

        return texts;
    }

    private static List<string>? Union(Re2Alternate alternate)
    {
        var texts = new List<string>();
        foreach (var choice in alternate.Choices)
        {
            if (Expand(choice) is not { } more || texts.Count + more.Count > MaxAlternatives)
            {
                return null;
            }

            texts.AddRange(more);
        }

        return [.. texts.Distinct()];
    }
}

using System.Text;

namespace MetricsOperator.Timeseries.Re2;

/// <summary>
/// An expression that needs no automaton: one of some literals, with anything (or anything but nothing) before and after.
/// <c>up</c>, <c>http_.*</c>, <c>.+_(total|count)</c>, <c>.*error.*</c>, <c>.*</c>.
/// </summary>
internal sealed class TextShape
{
    private const int MaxLiterals = 64;

    // Fewest bytes of free text before and after the literal, -1 where none may stand.
    private readonly int _before;
    private readonly int _after;
    private readonly byte[][] _literals;

    private TextShape(int before, byte[][] literals, int after)
    {
        _before = before;
        _literals = literals;
        _after = after;
    }

    /// <summary>The shapes whose union is the anchored expression, or null when it needs an automaton.</summary>
    public static List<TextShape>? Find(Re2Node node)
    {
        switch (node)
        {
            case Re2Capture capture:
                return Find(capture.Inner);
            case Re2Alternate alternate:
                var shapes = new List<TextShape>();
                foreach (var choice in alternate.Choices)
                {
                    if (Find(choice) is not { } more || shapes.Count + more.Count > MaxLiterals)
                    {
                        return null;
                    }

                    shapes.AddRange(more);
                }

                return shapes;
            case Re2Concat concat:
                return FindIn(concat.Parts);
            default:
                return FindIn([node]);
        }
    }

    public bool IsMatch(ReadOnlySpan<byte> text)
    {
        foreach (var literal in _literals)
        {
            if (IsMatch(text, literal))
            {
                return true;
            }
        }

        return false;
    }

    private static List<TextShape>? FindIn(IReadOnlyList<Re2Node> parts)
    {
        var start = parts[0] is Re2Assertion { Place: Re2Place.TextStart } ? 1 : 0;
        var end = parts.Count > start && parts[^1] is Re2Assertion { Place: Re2Place.TextEnd } ? parts.Count - 1 : parts.Count;
        var before = start < end ? FreeText(parts[start]) : -1;
        var literalStart = before >= 0 ? start + 1 : start;
        var after = literalStart < end ? FreeText(parts[end - 1]) : -1;
        var literalEnd = after >= 0 ? end - 1 : end;
        if (Re2Literals.Product(parts, literalStart, literalEnd, before < 0, after < 0) is not { Count: <= MaxLiterals } literals)
        {
            return null;
        }

        return [new TextShape(before, [.. literals.Select(Encoding.UTF8.GetBytes)], after)];
    }

    private static int FreeText(Re2Node node) => node switch
    {
        Re2Capture capture => FreeText(capture.Inner),
        Re2Repeat { Inner: Re2Any { WithNewline: true }, Min: <= 1, Max: -1 } repeat => repeat.Min,
        _ => -1,
    };

    private bool IsMatch(ReadOnlySpan<byte> text, byte[] literal)
    {
        if (_before < 0)
        {
            return text.StartsWith(literal) && (_after < 0 ? text.Length == literal.Length : text.Length - literal.Length >= _after);
        }

        if (_after < 0)
        {
            return text.EndsWith(literal) && text.Length - literal.Length >= _before;
        }

        return text.Length >= _before + literal.Length + _after && text[_before..(text.Length - _after)].IndexOf(literal) >= 0;
    }
}

using System.Globalization;
using System.Text;

namespace MetricsOperator.Timeseries.Re2;

/// <summary>
/// Writes a parsed expression as a .NET pattern for the non-backtracking engine, with RE2's meaning: classes are ASCII, <c>$</c> is the
/// very end, a code point beyond the basic plane counts as one. Groups stay in order and lose their names.
/// </summary>
internal static class Re2Emitter
{
    /// <summary>The pattern, anchored at both ends.</summary>
    public static string EmitAnchored(Re2Node node)
    {
        var pattern = new StringBuilder(@"\A(?:");
        Emit(node, pattern);
        return pattern.Append(@")\z").ToString();
    }

    private static void Emit(Re2Node node, StringBuilder pattern)
    {
        switch (node)
        {
            case Re2Literal literal:
                EmitFolded(literal.FoldCase, Escape(literal.Text), pattern);
                break;
            case Re2Class characters:
                EmitFolded(characters.FoldCase, characters.Set.ToPattern(asUnits: false), pattern);
                break;
            case Re2Any any:
                pattern.Append(AnySet(any).ToPattern(asUnits: false));
                break;
            case Re2Assertion assertion:
                pattern.Append(assertion.Place switch
                {
                    Re2Place.TextStart => @"\A",
                    Re2Place.TextEnd => @"\z",
                    Re2Place.LineStart => "(?m:^)",
                    Re2Place.LineEnd => "(?m:$)",
                    Re2Place.WordBoundary => @"\b",
                    _ => @"\B",
                });
                break;
            case Re2Repeat repeat:
                EmitRepeat(repeat, pattern);
                break;
            case Re2Concat concat:
                foreach (var part in concat.Parts)
                {
                    Emit(part, pattern);
                }

                break;
            case Re2Alternate alternate:
                pattern.Append("(?:");
                for (var i = 0; i < alternate.Choices.Count; i++)
                {
                    if (i > 0)
                    {
                        pattern.Append('|');
                    }

                    Emit(alternate.Choices[i], pattern);
                }

                pattern.Append(')');
                break;
            case Re2Capture capture:
                pattern.Append('(');
                Emit(capture.Inner, pattern);
                pattern.Append(')');
                break;
        }
    }

    private static void EmitRepeat(Re2Repeat repeat, StringBuilder pattern)
    {
        // Any number of code points out of a set that treats all of the astral planes alike is any number of UTF-16 units.
        var asUnits = repeat.Max < 0 && repeat.Min <= 1;
        switch (repeat.Inner)
        {
            case Re2Any any when asUnits:
                pattern.Append(AnySet(any).ToPattern(asUnits: true));
                break;
            case Re2Class characters when asUnits:
                pattern.Append("(?:");
                EmitFolded(characters.FoldCase, characters.Set.ToPattern(asUnits: true), pattern);
                pattern.Append(')');
                break;
            default:
                pattern.Append("(?:");
                Emit(repeat.Inner, pattern);
                pattern.Append(')');
                break;
        }

        pattern.Append((repeat.Min, repeat.Max) switch
        {
            (0, -1) => "*",
            (1, -1) => "+",
            (0, 1) => "?",
            (var min, -1) => string.Create(CultureInfo.InvariantCulture, $"{{{min},}}"),
            (var min, var max) => string.Create(CultureInfo.InvariantCulture, $"{{{min},{max}}}"),
        });
        if (repeat.Lazy)
        {
            pattern.Append('?');
        }
    }

    private static Re2CharSet AnySet(Re2Any any)
    {
        var set = new Re2CharSet { Negated = true };
        if (!any.WithNewline)
        {
            set.Add('\n', '\n');
        }

        return set;
    }

    private static void EmitFolded(bool foldCase, string text, StringBuilder pattern)
    {
        if (foldCase)
        {
            pattern.Append("(?i:").Append(text).Append(')');
        }
        else
        {
            pattern.Append(text);
        }
    }

    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            Re2CharSet.AppendEscaped(escaped, rune.Value);
        }

        return escaped.ToString();
    }
}

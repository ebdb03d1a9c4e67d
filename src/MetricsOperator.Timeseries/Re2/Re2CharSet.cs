using System.Globalization;
using System.Text;

namespace MetricsOperator.Timeseries.Re2;

/// <summary>A set of code points: ranges and general categories, perhaps negated as a whole.</summary>
internal sealed class Re2CharSet
{
    private const int FirstAstral = 0x10000;
    private const int LastCodePoint = 0x10FFFF;
    private const string AnyAstral = @"[\uD800-\uDBFF][\uDC00-\uDFFF]";

    private static readonly (string Name, (int Low, int High)[] Ranges)[] Named =
    [
        ("alnum", [('0', '9'), ('A', 'Z'), ('a', 'z')]),
        ("alpha", [('A', 'Z'), ('a', 'z')]),
        ("ascii", [(0, 0x7F)]),
        ("blank", [('\t', '\t'), (' ', ' ')]),
        ("cntrl", [(0, 0x1F), (0x7F, 0x7F)]),
        ("digit", [('0', '9')]),
        ("graph", [('!', '~')]),
        ("lower", [('a', 'z')]),
        ("print", [(' ', '~')]),
        ("punct", [('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        ("space", [('\t', '\r'), (' ', ' ')]),
        ("upper", [('A', 'Z')]),
        ("word", [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        ("xdigit", [('0', '9'), ('A', 'F'), ('a', 'f')]),
        ("d", [('0', '9')]),
        ("s", [('\t', '\n'), ('\f', '\r'), (' ', ' ')]),
        ("w", [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
    ];

    private readonly List<(int Low, int High)> _ranges = [];
    private readonly List<(string Name, bool Negated)> _categories = [];

    public bool Negated { get; set; }

    /// <summary>Adds a range, both ends included.</summary>
    public void Add(int low, int high) => _ranges.Add((low, high));

    /// <summary>Adds a named set (<c>alpha</c>, or <c>d</c>, <c>s</c>, <c>w</c>) or everything but it; false when there is none of that name.</summary>
    public bool TryAddNamed(string name, bool negated)
    {
        foreach (var (candidate, ranges) in Named)
        {
            if (candidate != name)
            {
                continue;
            }

            if (negated)
            {
                AddComplement(ranges, 0, LastCodePoint, _ranges);
            }
            else
            {
                _ranges.AddRange(ranges);
            }

            return true;
        }

        return false;
    }

    /// <summary>Adds a general category (<c>L</c>, <c>Lu</c>, <c>Any</c>); false when it is not known. Scripts are not.</summary>
    public bool TryAddCategory(string name, bool negated)
    {
        if (name == "Any")
        {
            if (!negated)
            {
                Add(0, LastCodePoint);
            }

            return true;
        }

        const string known = " C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs ";
        if (name.Length is 0 or > 2 || !known.Contains($" {name} ", StringComparison.Ordinal))
        {
            return false;
        }

        _categories.Add((name, negated));
        return true;
    }

    /// <summary>The members when there are at most <paramref name="limit"/>; otherwise null.</summary>
    public List<string>? Enumerate(int limit)
    {
        if (Negated || _categories.Count > 0)
        {
            return null;
        }

        var members = new List<string>();
        foreach (var (low, high) in _ranges)
        {
            if (high - low >= limit - members.Count)
            {
                return null;
            }

            for (var c = low; c <= high; c++)
            {
                if (!Rune.IsValid(c))
                {
                    return null;
                }

                members.Add(new Rune(c).ToString());
            }
        }

        return members;
    }

    /// <summary>True if every code point beyond the basic plane is a member.</summary>
    public bool HasAllAstral => AstralRanges() is [(FirstAstral, LastCodePoint)];

    /// <summary>
    /// The set as a .NET pattern that matches one code point; with <paramref name="asUnits"/> one UTF-16 unit, which is the same when all
    /// or none of the astral code points belong to the set and the set is repeated without limit.
    /// </summary>
    public string ToPattern(bool asUnits)
    {
        var members = new StringBuilder();
        foreach (var (low, high) in _ranges)
        {
            AppendRange(members, low, Math.Min(high, 0xD7FF));
            AppendRange(members, Math.Max(low, 0xE000), Math.Min(high, 0xFFFF));
        }

        foreach (var (name, negated) in _categories)
        {
            members.Append(negated ? @"\P{" : @"\p{").Append(name).Append('}');
        }

        var all = Negated ? AstralRanges() is [(FirstAstral, LastCodePoint)] : HasAllAstral;
        if (asUnits && all)
        {
            return Negated
                ? members.Length == 0 ? @"[\s\S]" : $"[^{members}]"
                : $@"[{members}\uD800-\uDFFF]";
        }

        // Halves of pairs are no code points.
        var basic = Negated ? $@"[^{members}\uD800-\uDFFF]" : members.Length == 0 ? "" : $"[{members}]";
        var astral = AstralPattern();
        if (astral.Length == 0)
        {
            return basic.Length == 0 ? @"[^\s\S]" : basic;
        }

        return basic.Length == 0 ? $"(?:{astral})" : $"(?:{astral}|{basic})";
    }

    /// <summary>Writes a code point so that it stands for itself in a .NET pattern, inside and outside of brackets.</summary>
    public static void AppendEscaped(StringBuilder pattern, int codePoint)
    {
        if (codePoint >= FirstAstral)
        {
            foreach (var unit in new Rune(codePoint).ToString())
            {
                pattern.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:X4}");
            }
        }
        else if (codePoint < 0x80 && char.IsAsciiLetterOrDigit((char)codePoint))
        {
            pattern.Append((char)codePoint);
        }
        else
        {
            pattern.Append(CultureInfo.InvariantCulture, $"\\u{codePoint:X4}");
        }
    }

    private static void AppendRange(StringBuilder members, int low, int high)
    {
        if (low > high)
        {
            return;
        }

        AppendEscaped(members, low);
        if (high > low)
        {
            members.Append('-');
            AppendEscaped(members, high);
        }
    }

    private static void AddComplement(IEnumerable<(int Low, int High)> ranges, int first, int last, List<(int Low, int High)> into)
    {
        var next = first;
        foreach (var (low, high) in ranges.OrderBy(r => r.Low))
        {
            if (low > next)
            {
                into.Add((next, low - 1));
            }

            next = Math.Max(next, high + 1);
        }

        if (next <= last)
        {
            into.Add((next, last));
        }
    }

    // Categories are only known for the basic plane: beyond it a category holds nothing and its negation everything.
    private List<(int Low, int High)> AstralRanges()
    {
        var members = new List<(int Low, int High)>();
        foreach (var (low, high) in _ranges)
        {
            if (high >= FirstAstral)
            {
                members.Add((Math.Max(low, FirstAstral), high));
            }
        }

        if (_categories.Exists(c => c.Negated))
        {
            members.Add((FirstAstral, LastCodePoint));
        }

        // Twice the complement merges what overlaps.
        var complement = new List<(int Low, int High)>();
        AddComplement(members, FirstAstral, LastCodePoint, complement);
        if (Negated)
        {
            return complement;
        }

        var merged = new List<(int Low, int High)>();
        AddComplement(complement, FirstAstral, LastCodePoint, merged);
        return merged;
    }

    private string AstralPattern()
    {
        var choices = new List<string>();
        foreach (var (low, high) in AstralRanges())
        {
            if ((low, high) == (FirstAstral, LastCodePoint))
            {
                return AnyAstral;
            }

            // Split where the first half changes, so that each piece is a product of two ranges.
            for (var start = low; start <= high;)
            {
                var endOfBlock = start | 0x3FF;
                var end = Math.Min(high, endOfBlock);
                if ((start & 0x3FF) == 0 && high > endOfBlock)
                {
                    end = ((high + 1) & ~0x3FF) - 1;
                }

                choices.Add($"{Half(start, end, 0)}{Half(start, end, 1)}");
                start = end + 1;
            }
        }

        return string.Join('|', choices);
    }

    private static string Half(int low, int high, int index)
    {
        var text = new StringBuilder("[");
        AppendRange(text, new Rune(low).ToString()[index], new Rune(high).ToString()[index]);
        return text.Append(']').ToString();
    }
}

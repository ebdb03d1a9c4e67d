using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using MetricsOperator.Timeseries.Re2;

namespace MetricsOperator.Timeseries.Labels;

/// <summary>
/// A regular expression in RE2 syntax that must match the whole text, as in matchers and relabeling: linear time, dot matches newline.
/// Lists of literals, prefixes, suffixes and parts are matched on the bytes without an automaton. Thread-safe.
/// </summary>
/// <remarks>
/// Differs from RE2 in what the .NET engine does not know: scripts (<c>\p{Greek}</c>) are refused, <c>\b</c> sees Unicode words, and a group
/// inside a repetition that may match nothing (<c>(a*)*</c>) holds the last, empty round.
/// </remarks>
public sealed class AnchoredRegex
{
    private readonly Re2Node _syntax;
    private readonly IReadOnlyList<string?> _groupNames;
    private readonly LiteralSet? _literals;
    private readonly List<TextShape>? _shapes;
    private readonly byte[] _prefix = [];
    private Regex? _automaton;

    /// <summary>Compiles the expression.</summary>
    /// <exception cref="ArgumentException">The expression is not valid RE2; the message says where and why.</exception>
    public AnchoredRegex(string pattern)
    {
        Pattern = pattern;
        try
        {
            _syntax = Re2Parser.Parse(pattern, out _groupNames);
        }
        catch (Re2SyntaxException e)
        {
            throw new ArgumentException("error parsing regexp: " + e.Message, nameof(pattern), e);
        }

        if (Re2Literals.Expand(_syntax) is { } literals)
        {
            Literals = literals;
            _literals = new LiteralSet(literals);
            return;
        }

        _shapes = TextShape.Find(_syntax);
        if (_shapes is null)
        {
            _automaton = Compile(pattern, _syntax);
            if (_syntax is Re2Concat { Parts: [Re2Literal { FoldCase: false } first, ..] })
            {
                _prefix = Encoding.UTF8.GetBytes(first.Text);
            }
        }
    }

    /// <summary>The expression as written, without anchors.</summary>
    public string Pattern { get; }

    /// <summary>When the expression is a way to write a list (<c>a|b</c>, <c>x_(a|b)</c>, <c>v[12]</c>): the texts of the list; otherwise null.</summary>
    public IReadOnlyList<string>? Literals { get; }

    /// <summary>True if the expression is <c>(.*)</c>: it matches anything, and its only group is the whole text.</summary>
    internal bool CapturesEverything => _syntax is Re2Capture { Inner: Re2Repeat { Inner: Re2Any { WithNewline: true }, Min: 0, Max: -1 } };

    /// <summary>True if the whole UTF-8 text matches.</summary>
    public bool IsMatch(ReadOnlySpan<byte> utf8)
    {
        if (_literals is not null)
        {
            return _literals.Contains(utf8);
        }

        if (_shapes is not null)
        {
            foreach (var shape in _shapes)
            {
                if (shape.IsMatch(utf8))
                {
                    return true;
                }
            }

            return false;
        }

        return utf8.StartsWith(_prefix) && AutomatonMatches(utf8);
    }

    /// <summary>The replacement with its references filled in from the match of the whole text; null when the text does not match.</summary>
    public string? Expand(string text, string replacement) => Expand(text, new ReplacementTemplate(replacement));

    /// <inheritdoc cref="Expand(string, string)"/>
    public string? Expand(string text, ReplacementTemplate replacement) =>
        replacement.IsFirstGroup && CapturesEverything ? text : ExpandMatch(text, replacement);

    private string? ExpandMatch(string text, ReplacementTemplate replacement)
    {
        _automaton ??= Compile(Pattern, _syntax);
        var match = _automaton.Match(text);
        return match.Success ? replacement.Expand(match, _groupNames) : null;
    }

    private bool AutomatonMatches(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length <= 256)
        {
            Span<char> chars = stackalloc char[256];
            return _automaton!.IsMatch(chars[..Encoding.UTF8.GetChars(utf8, chars)]);
        }

        var rented = ArrayPool<char>.Shared.Rent(utf8.Length);
        try
        {
            return _automaton!.IsMatch(rented.AsSpan(0, Encoding.UTF8.GetChars(utf8, rented)));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    private static Regex Compile(string pattern, Re2Node syntax)
    {
        // The non-backtracking engine gives RE2's guarantee: time linear in the text whatever the expression.
        try
        {
            return new Regex(Re2Emitter.EmitAnchored(syntax), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException e)
        {
            throw new ArgumentException($"error parsing regexp: expression too large: `{pattern}`", nameof(pattern), e);
        }
    }
}

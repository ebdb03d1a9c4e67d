using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace MetricsOperator.Timeseries.Labels;

/// <summary>
/// A regular expression in RE2 syntax that must match the whole text, as in matchers and relabeling: linear time, dot matches newline.
/// </summary>
public sealed class AnchoredRegex
{
    private readonly Regex? _regex;
    private readonly byte[][]? _literals;

    /// <summary>Compiles the expression.</summary>
    /// <exception cref="ArgumentException">The expression is not valid; the message says where and why.</exception>
    public AnchoredRegex(string pattern)
    {
        Pattern = pattern;
        var literals = SplitLiterals(pattern);
        if (literals is not null)
        {
            Literals = literals;
            _literals = literals.ConvertAll(Encoding.UTF8.GetBytes).ToArray();
        }
        else
        {
            _regex = Compile(pattern);
        }
    }

    /// <summary>The expression as written, without anchors.</summary>
    public string Pattern { get; }

    /// <summary>The values of an alternation of literals, or null.</summary>
    public IReadOnlyList<string>? Literals { get; }

    /// <summary>True if the whole UTF-8 text matches.</summary>
    public bool IsMatch(ReadOnlySpan<byte> utf8)
    {
        if (_literals is not null)
        {
            foreach (var literal in _literals)
            {
                if (utf8.SequenceEqual(literal))
                {
                    return true;
                }
            }

            return false;
        }

        if (utf8.Length <= 256)
        {
            Span<char> chars = stackalloc char[256];
            return _regex!.IsMatch(chars[..Encoding.UTF8.GetChars(utf8, chars)]);
        }

        var rented = ArrayPool<char>.Shared.Rent(utf8.Length);
        try
        {
            return _regex!.IsMatch(rented.AsSpan(0, Encoding.UTF8.GetChars(utf8, rented)));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    /// <summary>The match with its groups, for replacements; null when the text does not match.</summary>
    public Match? Match(string text)
    {
        var match = (_regex ?? Compile(Pattern)).Match(text);
        return match.Success ? match : null;
    }

    private static Regex Compile(string pattern)
    {
        // NonBacktracking gives RE2's guarantee: time linear in the text whatever the expression.
        try
        {
            return new Regex("^(?:" + pattern.Replace("(?P<", "(?<", StringComparison.Ordinal) + ")\\z",
                RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline);
        }
        catch (NotSupportedException e)
        {
            throw new ArgumentException($"error parsing regexp: {e.Message}: `{pattern}`", nameof(pattern), e);
        }
        catch (RegexParseException e)
        {
            throw new ArgumentException($"error parsing regexp: {e.Message}: `{pattern}`", nameof(pattern), e);
        }
    }

    private static List<string>? SplitLiterals(string pattern)
    {
        foreach (var c in pattern)
        {
            if ("\\.+*?()[]{}^$".Contains(c, StringComparison.Ordinal))
            {
                return null;
            }
        }

        return [.. pattern.Split('|')];
    }
}

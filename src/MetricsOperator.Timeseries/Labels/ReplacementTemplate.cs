using System.Text;
using System.Text.RegularExpressions;

namespace MetricsOperator.Timeseries.Labels;

/// <summary>A replacement in Go's template syntax: <c>$1</c>, <c>${1}</c>, <c>$name</c>, <c>${name}</c>, <c>$$</c>. Unknown groups are empty.</summary>
public sealed class ReplacementTemplate
{
    private readonly List<Piece> _pieces = [];

    /// <summary>Parses the template; there are no invalid ones, a dollar sign that names nothing is text.</summary>
    public ReplacementTemplate(string text)
    {
        Text = text;
        var literal = new StringBuilder();
        var position = 0;
        while (position < text.Length)
        {
            if (text[position] != '$' || !TryReadReference(text, position, out var name, out var end))
            {
                literal.Append(text[position++]);
                continue;
            }

            if (name.Length > 0)
            {
                Flush(literal);
                _pieces.Add(new Piece(null, name, int.TryParse(name, out var number) ? number : -1));
            }
            else
            {
                literal.Append('$');
            }

            position = end;
        }

        Flush(literal);
    }

    /// <summary>The template as written.</summary>
    public string Text { get; }

    /// <summary>True if the result depends on the match.</summary>
    public bool HasReferences => _pieces.Exists(p => p.Group is not null);

    /// <summary>True if the template is nothing but the first group.</summary>
    internal bool IsFirstGroup => _pieces is [{ Number: 1 }];

    internal string Expand(Match match, IReadOnlyList<string?> groupNames)
    {
        var result = new StringBuilder();
        foreach (var piece in _pieces)
        {
            if (piece.Group is null)
            {
                result.Append(piece.Literal);
                continue;
            }

            var number = piece.Number;
            for (var i = 1; number < 0 && i < groupNames.Count; i++)
            {
                // Several groups may have one name; the first that took part counts.
                if (groupNames[i] == piece.Group && match.Groups[i].Success)
                {
                    number = i;
                }
            }

            if (number >= 0 && number < groupNames.Count)
            {
                result.Append(match.Groups[number].ValueSpan);
            }
        }

        return result.ToString();
    }

    // An empty name stands for $$.
    private static bool TryReadReference(string text, int dollar, out string name, out int end)
    {
        name = "";
        end = dollar + 2;
        if (dollar + 1 >= text.Length)
        {
            return false;
        }

        if (text[dollar + 1] == '$')
        {
            return true;
        }

        var isBraced = text[dollar + 1] == '{';
        var start = isBraced ? dollar + 2 : dollar + 1;
        end = start;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '_'))
        {
            end++;
        }

        name = text[start..end];
        if (isBraced && (end >= text.Length || text[end++] != '}'))
        {
            return false;
        }

        return name.Length > 0;
    }

    private void Flush(StringBuilder literal)
    {
        if (literal.Length > 0)
        {
            _pieces.Add(new Piece(literal.ToString(), null, -1));
            literal.Clear();
        }
    }

    private readonly record struct Piece(string? Literal, string? Group, int Number);
}

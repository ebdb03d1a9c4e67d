using System.Globalization;
using System.Text;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>The query text is not valid PromQL. <see cref="Exception.Message"/> reads <c>1:4: parse error: ...</c> as in Prometheus.</summary>
public sealed class ParseException : Exception
{
    public ParseException(string query, PositionRange position, string problem)
        : base(Locate(query, position.Start) + ": parse error: " + problem)
    {
        Position = position;
        Problem = problem;
    }

    /// <summary>A query that is valid in itself but cannot be used as asked.</summary>
    public ParseException(string problem)
        : base(problem)
    {
        Problem = problem;
    }

    /// <summary>The part of the query that is wrong.</summary>
    public PositionRange Position { get; }

    /// <summary>What is wrong, without the position.</summary>
    public string Problem { get; }

    /// <summary>Line and column (both from 1, columns in UTF-8 bytes) of an offset in a query.</summary>
    public static string Locate(string query, int offset)
    {
        offset = Math.Clamp(offset, 0, query.Length);
        var before = query.AsSpan(0, offset);
        var line = before.Count('\n') + 1;
        var column = Encoding.UTF8.GetByteCount(before[(before.LastIndexOf('\n') + 1)..]) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"{line}:{column}");
    }
}

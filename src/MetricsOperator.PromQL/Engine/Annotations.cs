using System.Globalization;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Engine;

/// <summary>Collects warnings and infos; the same text counts once. Threads that read ahead may add to it.</summary>
internal sealed class Annotations
{
    private const int MaxShown = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, PositionRange?> _warnings = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PositionRange?> _infos = new(StringComparer.Ordinal);

    /// <summary>A remark that the result may be wrong.</summary>
    public void Warn(string text, PositionRange position) => Add(_warnings, "PromQL warning: " + text, position);

    /// <summary>A remark that the query may not mean what it says.</summary>
    public void Inform(string text, PositionRange position) => Add(_infos, "PromQL info: " + text, position);

    /// <summary>A remark of the storage, without a place in the query.</summary>
    public void WarnFromStorage(string text) => Add(_warnings, text, null);

    public IReadOnlyList<string> Warnings(string query) => Render(_warnings, query, "warning");

    public IReadOnlyList<string> Infos(string query) => Render(_infos, query, "info");

    private void Add(Dictionary<string, PositionRange?> remarks, string text, PositionRange? position)
    {
        lock (_gate)
        {
            remarks.TryAdd(text, position);
        }
    }

    private static List<string> Render(Dictionary<string, PositionRange?> remarks, string query, string kind)
    {
        var texts = remarks.Take(MaxShown)
            .Select(r => r.Value is { } position ? $"{r.Key} ({ParseException.Locate(query, position.Start)})" : r.Key)
            .ToList();
        if (remarks.Count > MaxShown)
        {
            texts.Add(string.Create(CultureInfo.InvariantCulture, $"{remarks.Count - MaxShown} more {kind} annotations omitted"));
        }

        return texts;
    }
}

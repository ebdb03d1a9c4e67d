using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetricsOperator.Planning.Incidents;

/// <summary>
/// The last words of a server. It rewrites them every two seconds while it runs, so that a container that was killed has some too:
/// what it did, how much memory it used, and which metrics had the most series.
/// </summary>
public sealed record TerminationMessage
{
    private const int KnownVersion = 1;

    [JsonPropertyName("v")]
    public int Version { get; init; }

    /// <summary>Running, OutOfMemory, ConfigRejected, Io, Bug or Stopped.</summary>
    public string? Class { get; init; }

    /// <summary>replay, ready or stopping.</summary>
    public string? Phase { get; init; }

    /// <summary>Hash of the configuration in force.</summary>
    public string? ConfigHash { get; init; }

    public long RssBytes { get; init; }

    public long HeapBytes { get; init; }

    public long BudgetBytes { get; init; }

    public long HeadSeries { get; init; }

    public double SamplesPerSecond { get; init; }

    public double NewSeriesPerSecond { get; init; }

    public double ReplayPercent { get; init; }

    /// <summary>Pairs of metric name and number of series, largest first.</summary>
    public IReadOnlyList<JsonElement>? Top { get; init; }

    public string? Message { get; init; }

    /// <summary>Used memory as a share of the budget; 0 when the budget is not known.</summary>
    [JsonIgnore]
    public double MemoryShare => BudgetBytes > 0 ? (double)Math.Max(RssBytes, HeapBytes) / BudgetBytes : 0;

    /// <summary>The message in a terminated state, or null when it is missing or something else (a stack trace, a truncated text).</summary>
    public static TerminationMessage? Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        try
        {
            var message = JsonSerializer.Deserialize(text.Trim(), PlanningJson.Default.TerminationMessage);
            return message?.Version == KnownVersion ? message : null;
        }
        catch (JsonException)
        {
            // Any container may write anything here; what cannot be read is no evidence.
            return null;
        }
    }

    /// <summary>The readable pairs of <see cref="Top"/>.</summary>
    public IReadOnlyList<(string Metric, long Series)> TopMetrics()
    {
        var result = new List<(string, long)>();
        foreach (var pair in Top ?? [])
        {
            if (pair.ValueKind == JsonValueKind.Array && pair.GetArrayLength() == 2
                && pair[0].ValueKind == JsonValueKind.String && pair[1].ValueKind == JsonValueKind.Number && pair[1].TryGetInt64(out var series))
            {
                result.Add((pair[0].GetString()!, series));
            }
        }

        return result;
    }
}

using System.Text.Json;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.Server.Queries;

/// <summary>What the list of running queries says about one of them.</summary>
internal sealed record ActiveQuery
{
    // More is damage, and sums of it must not overflow.
    private const long MaxNumber = 1L << 44;

    /// <summary>The text, cut to what fits.</summary>
    public required string Query { get; init; }

    /// <summary>When its evaluation began; seconds are exact.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>The fingerprint of its form; null when a Prometheus wrote the entry.</summary>
    public ulong? Fingerprint { get; init; }

    /// <summary>Names the life of the process in which it ran; empty when a Prometheus wrote the entry.</summary>
    public string BootId { get; init; } = string.Empty;

    /// <summary>How much time it reads: from start to end, and its ranges, in milliseconds.</summary>
    public long SpanMs { get; init; }

    /// <summary>Bytes that it holds in memory now; only known of a query that runs.</summary>
    public long HeldBytes { get; init; }

    /// <summary>Most bytes that it held at a time. Memory that it gave back stays in use until it is collected.</summary>
    public long PeakBytes { get; init; }

    /// <summary>What the scarcest part of the process' memory used, in bytes, when the entry was last written.</summary>
    public long UsedBytes { get; init; }

    /// <summary>Limit of that part; 0 when it is not known.</summary>
    public long LimitBytes { get; init; }

    /// <summary>Reads one entry.</summary>
    /// <param name="utf8">JSON of one object.</param>
    /// <exception cref="FormatException">It is not an entry.</exception>
    public static ActiveQuery Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8);
            var entry = document.RootElement;
            return new ActiveQuery
            {
                Query = entry.GetProperty("query").GetString() ?? throw new FormatException("want a query, got null"),
                Started = DateTimeOffset.FromUnixTimeSeconds(entry.GetProperty("timestamp_sec").GetInt64()),
                Fingerprint = entry.TryGetProperty("fingerprint", out var text) && QueryForm.TryParse(text.GetString(), out var fingerprint) ? fingerprint : null,
                BootId = entry.TryGetProperty("boot_id", out var boot) ? boot.GetString() ?? string.Empty : string.Empty,
                SpanMs = Number(entry, "span_ms"),
                PeakBytes = Number(entry, "peak_bytes"),
                UsedBytes = Number(entry, "used_bytes"),
                LimitBytes = Number(entry, "limit_bytes"),
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or ArgumentOutOfRangeException)
        {
            throw new FormatException($"want a query with its time: {e.Message}", e);
        }
    }

    private static long Number(JsonElement entry, string name) => entry.TryGetProperty(name, out var value) ? Math.Clamp(value.GetInt64(), 0, MaxNumber) : 0;
}

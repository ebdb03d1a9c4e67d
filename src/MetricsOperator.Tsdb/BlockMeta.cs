using System.Text.Json.Serialization;

namespace MetricsOperator.Tsdb;

/// <summary>The meta.json of a block. Times are milliseconds; <see cref="MaxTime"/> is exclusive.</summary>
public sealed record BlockMeta
{
    /// <summary>Hint of a block that does not hold all series of its range, so that its end says nothing about the log.</summary>
    public const string FromOutOfOrder = "from-out-of-order";

    /// <summary>Hint of a block with series that were moved out of the head early.</summary>
    public const string FromStaleSeries = "from-stale-series";

    [JsonPropertyName("ulid")]
    public string Ulid { get; init; } = string.Empty;

    [JsonPropertyName("minTime")]
    public long MinTime { get; init; }

    [JsonPropertyName("maxTime")]
    public long MaxTime { get; init; }

    [JsonPropertyName("stats")]
    public BlockStats Stats { get; init; } = new();

    [JsonPropertyName("compaction")]
    public BlockCompaction Compaction { get; init; } = new();

    [JsonPropertyName("version")]
    public int Version { get; init; } = 1;

    /// <summary>True if the block's end is the start of what the log must still hold.</summary>
    [JsonIgnore]
    public bool CoversAllSeries => Compaction.Hints is null
        || !Compaction.Hints.Any(h => h is FromOutOfOrder or FromStaleSeries or "from-selected-series");
}

/// <summary>What a block holds.</summary>
public sealed record BlockStats
{
    [JsonPropertyName("numSamples")]
    public long NumSamples { get; init; }

    [JsonPropertyName("numFloatSamples"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long NumFloatSamples { get; init; }

    [JsonPropertyName("numHistogramSamples"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long NumHistogramSamples { get; init; }

    [JsonPropertyName("numSeries")]
    public long NumSeries { get; init; }

    [JsonPropertyName("numChunks")]
    public long NumChunks { get; init; }

    [JsonPropertyName("numTombstones"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long NumTombstones { get; init; }
}

/// <summary>Where a block comes from.</summary>
public sealed record BlockCompaction
{
    /// <summary>1 for a block cut from the head, one more than its newest parent otherwise.</summary>
    [JsonPropertyName("level")]
    public int Level { get; init; }

    /// <summary>The level-1 blocks it was made of.</summary>
    [JsonPropertyName("sources")]
    public IReadOnlyList<string>? Sources { get; init; }

    /// <summary>The blocks it replaces; they are deleted once it exists.</summary>
    [JsonPropertyName("parents")]
    public IReadOnlyList<BlockParent>? Parents { get; init; }

    [JsonPropertyName("deletable"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Deletable { get; init; }

    [JsonPropertyName("failed"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Failed { get; init; }

    [JsonPropertyName("hints")]
    public IReadOnlyList<string>? Hints { get; init; }
}

/// <summary>A block that another one replaces.</summary>
public sealed record BlockParent
{
    [JsonPropertyName("ulid")]
    public string Ulid { get; init; } = string.Empty;

    [JsonPropertyName("minTime")]
    public long MinTime { get; init; }

    [JsonPropertyName("maxTime")]
    public long MaxTime { get; init; }
}

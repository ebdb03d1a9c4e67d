namespace MetricsOperator.Tsdb;

/// <summary>Figures of the head, as <c>/api/v1/status/tsdb</c> shows them.</summary>
/// <param name="NumSeries">Series in memory.</param>
/// <param name="NumLabelPairs">Distinct label pairs of them.</param>
/// <param name="ChunkCount">Open chunks and chunks in chunks_head.</param>
/// <param name="MinTime">Oldest sample in ms; <see cref="long.MaxValue"/> when the head is empty.</param>
/// <param name="MaxTime">Newest sample in ms; <see cref="long.MinValue"/> when the head is empty.</param>
/// <param name="Bytes">Bytes of memory that series, labels, index and open chunks use.</param>
public sealed record HeadStats(long NumSeries, long NumLabelPairs, long ChunkCount, long MinTime, long MaxTime, long Bytes);

/// <summary>A name and a count, for the cardinality tables.</summary>
public sealed record NamedCount(string Name, long Value);

/// <summary>What uses the head, each table in descending order.</summary>
/// <param name="SeriesCountByMetricName">Series per metric.</param>
/// <param name="LabelValueCountByLabelName">Distinct values per label name.</param>
/// <param name="MemoryInBytesByLabelName">Bytes of the distinct values per label name.</param>
/// <param name="SeriesCountByLabelValuePair">Series per <c>name=value</c>.</param>
public sealed record HeadCardinality(
    IReadOnlyList<NamedCount> SeriesCountByMetricName,
    IReadOnlyList<NamedCount> LabelValueCountByLabelName,
    IReadOnlyList<NamedCount> MemoryInBytesByLabelName,
    IReadOnlyList<NamedCount> SeriesCountByLabelValuePair);

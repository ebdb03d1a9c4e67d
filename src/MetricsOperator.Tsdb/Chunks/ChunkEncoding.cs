namespace MetricsOperator.Tsdb.Chunks;

/// <summary>How the samples of a chunk are encoded; the numbers are Prometheus'.</summary>
internal enum ChunkEncoding : byte
{
    None = 0,
    Xor = 1,
    Histogram = 2,
    FloatHistogram = 3,
}

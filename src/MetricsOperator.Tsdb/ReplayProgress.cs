namespace MetricsOperator.Tsdb;

/// <summary>How far the start has come.</summary>
/// <param name="Phase">blocks, chunks_head, checkpoint, wal, wbl, rescue (in parts, into blocks), flush or done.</param>
/// <param name="Percent">0 to 100 over the whole start.</param>
/// <param name="SegmentsDone">Log segments read, those of the checkpoint included.</param>
/// <param name="SegmentsTotal">Log segments to read.</param>
/// <param name="SeriesSoFar">Series in the head.</param>
public sealed record ReplayProgress(string Phase, double Percent, long SegmentsDone, long SegmentsTotal, long SeriesSoFar);

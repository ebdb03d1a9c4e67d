using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Tsdb.Head;

/// <summary>What the head has done since the start; read by the meter while it changes.</summary>
internal sealed class HeadCounters
{
    private readonly long[] _rejected = new long[Enum.GetValues<AppendOutcome>().Length];

    public long FloatsAppended;
    public long LateAppended;
    public long HistogramsAppended;
    public long SeriesCreated;
    public long SeriesRemoved;
    public long SeriesNotFound;
    public long ChunksCreated;
    public long ChunksRemoved;
    public long Truncations;
    public long WalWritesFailed;
    public long WalTruncations;
    public long WalTruncationsFailed;
    public long CheckpointsCreated;
    public long CheckpointsFailed;
    public long WalCorruptions;
    public long CommitsDone;

    /// <summary>Samples that were refused for a reason.</summary>
    public long Rejected(AppendOutcome outcome) => Interlocked.Read(ref _rejected[(int)outcome]);

    public void CountRejected(AppendOutcome outcome) => Interlocked.Increment(ref _rejected[(int)outcome]);
}

namespace MetricsOperator.Timeseries.Contracts;

/// <summary>What became of one sample. A rejection is a value that callers count; exceptions mean a broken disk or program.</summary>
public enum AppendOutcome : byte
{
    /// <summary>Accepted; durable after commit. A repetition of the newest sample with the same bits is accepted and ignored.</summary>
    Ok,

    /// <summary>Older than the newest sample of the series and outside the out-of-order window.</summary>
    OutOfOrder,

    /// <summary>Same timestamp as the newest sample with another value.</summary>
    DuplicateTimestamp,

    /// <summary>Older than what the head accepts.</summary>
    OutOfBounds,

    /// <summary>Older than the out-of-order window.</summary>
    TooOld,

    /// <summary>Further in the future than accepted.</summary>
    TooFarInFuture,

    /// <summary>A new series that the memory budget or a limit refuses.</summary>
    LimitReached,

    /// <summary>The reference is not (or no longer) known; resolve the labels again.</summary>
    UnknownSeries,
}

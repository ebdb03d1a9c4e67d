namespace MetricsOperator.Tsdb.Recovery;

/// <summary>The log holds more series than the head may hold; the replay has to go in parts.</summary>
internal sealed class ReplayTooLargeException(long headBytes, double share)
    : Exception($"the head would need more than {headBytes} bytes; {share:P0} of the series are read")
{
    /// <summary>Bytes of the head when it was given up.</summary>
    public long HeadBytes => headBytes;

    /// <summary>Share of the log whose series were read, above 0 and up to 1.</summary>
    public double Share => share;
}

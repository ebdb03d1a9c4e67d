namespace MetricsOperator.Timeseries.Samples;

/// <summary>The NaN that ends a series. Compared by bits: any other NaN is a value.</summary>
public static class StaleMarker
{
    public const ulong Bits = 0x7FF0000000000002;

    /// <summary>The NaN that scrapes produce for "NaN".</summary>
    public const ulong NormalNaNBits = 0x7FF8000000000001;

    public static readonly double Value = BitConverter.UInt64BitsToDouble(Bits);

    public static readonly double NormalNaN = BitConverter.UInt64BitsToDouble(NormalNaNBits);

    public static bool IsStale(double value) => BitConverter.DoubleToUInt64Bits(value) == Bits;
}

namespace MetricsOperator.Timeseries.Contracts;

/// <summary>Names a series to the storage without its labels; 0 names none. Never reused.</summary>
public readonly record struct SeriesRef(ulong Value)
{
    public static readonly SeriesRef None;

    public bool IsNone => Value == 0;
}

using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Timeseries.Contracts;

/// <summary>What the next samples of a series are.</summary>
public enum SampleKind : byte
{
    /// <summary>The series has no more samples.</summary>
    None,
    Float,
    Histogram,
}

/// <summary>
/// Pulls the samples of one series in time order, in batches: one call per batch, never one per sample. A series may change between
/// floats and histograms; <see cref="NextKind"/> says what comes next and each read stops at a change.
/// </summary>
public abstract class SampleReader : IDisposable
{
    /// <summary>Kind of the next sample; <see cref="SampleKind.None"/> at the end.</summary>
    /// <exception cref="StorageException">A chunk cannot be decoded.</exception>
    public abstract SampleKind NextKind();

    /// <summary>Decodes the next float samples, stale markers included.</summary>
    /// <returns>How many were written; 0 only when the next sample is not a float or a span is empty.</returns>
    public abstract int ReadFloats(Span<long> timestampsMs, Span<double> values);

    /// <summary>Decodes the next histogram samples; the objects belong to the caller.</summary>
    /// <returns>How many were written; 0 only when the next sample is not a histogram or a span is empty.</returns>
    public abstract int ReadHistograms(Span<long> timestampsMs, Span<FloatHistogram?> values);

    /// <summary>Skips to the first sample with a timestamp of at least <paramref name="timestampMs"/>; never goes back.</summary>
    public abstract void SkipTo(long timestampMs);

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>Reads one reader after the other; their time ranges do not overlap.</summary>
internal sealed class ConcatenatedSampleReader(IReadOnlyList<SampleReader> readers) : SampleReader
{
    private int _current;

    public override SampleKind NextKind()
    {
        for (; _current < readers.Count; _current++)
        {
            var kind = readers[_current].NextKind();
            if (kind != SampleKind.None)
            {
                return kind;
            }
        }

        return SampleKind.None;
    }

    public override int ReadFloats(Span<long> timestampsMs, Span<double> values) =>
        NextKind() == SampleKind.Float ? readers[_current].ReadFloats(timestampsMs, values) : 0;

    public override int ReadHistograms(Span<long> timestampsMs, Span<FloatHistogram?> values) =>
        NextKind() == SampleKind.Histogram ? readers[_current].ReadHistograms(timestampsMs, values) : 0;

    public override void SkipTo(long timestampMs)
    {
        for (var i = _current; i < readers.Count; i++)
        {
            readers[i].SkipTo(timestampMs);
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        foreach (var reader in readers)
        {
            reader.Dispose();
        }
    }
}

using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>Reads float samples from arrays.</summary>
internal sealed class ArraySampleReader(long[] times, double[] values) : SampleReader
{
    private int _position;

    public override SampleKind NextKind() => _position < times.Length ? SampleKind.Float : SampleKind.None;

    public override int ReadFloats(Span<long> timestampsMs, Span<double> samples)
    {
        var count = Math.Min(Math.Min(timestampsMs.Length, samples.Length), times.Length - _position);
        times.AsSpan(_position, count).CopyTo(timestampsMs);
        values.AsSpan(_position, count).CopyTo(samples);
        _position += count;
        return count;
    }

    public override int ReadHistograms(Span<long> timestampsMs, Span<FloatHistogram?> samples) => 0;

    public override void SkipTo(long timestampMs)
    {
        while (_position < times.Length && times[_position] < timestampMs)
        {
            _position++;
        }
    }
}

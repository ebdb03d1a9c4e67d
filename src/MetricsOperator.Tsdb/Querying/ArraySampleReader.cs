using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>Reads samples from arrays: a histogram where there is one, else a float.</summary>
internal sealed class ArraySampleReader(long[] times, double[] values, FloatHistogram?[]? histograms = null) : SampleReader
{
    private int _position;

    public override SampleKind NextKind() =>
        _position >= times.Length ? SampleKind.None
        : histograms?[_position] is null ? SampleKind.Float
        : SampleKind.Histogram;

    public override int ReadFloats(Span<long> timestampsMs, Span<double> samples)
    {
        var end = _position;
        var limit = Math.Min(times.Length, _position + Math.Min(timestampsMs.Length, samples.Length));
        while (end < limit && histograms?[end] is null)
        {
            end++;
        }

        var count = end - _position;
        times.AsSpan(_position, count).CopyTo(timestampsMs);
        values.AsSpan(_position, count).CopyTo(samples);
        _position = end;
        return count;
    }

    public override int ReadHistograms(Span<long> timestampsMs, Span<FloatHistogram?> samples)
    {
        var count = 0;
        while (count < Math.Min(timestampsMs.Length, samples.Length) && NextKind() == SampleKind.Histogram)
        {
            timestampsMs[count] = times[_position];
            samples[count++] = histograms![_position++];
        }

        return count;
    }

    public override void SkipTo(long timestampMs)
    {
        while (_position < times.Length && times[_position] < timestampMs)
        {
            _position++;
        }
    }
}

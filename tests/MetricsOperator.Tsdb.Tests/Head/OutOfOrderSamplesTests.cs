using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Tests.Head;

public sealed class OutOfOrderSamplesTests
{
    [Fact]
    public void Deletion_takes_times_values_and_histograms_together_in_both_generations_and_gives_their_bytes_back()
    {
        var samples = new OutOfOrderSamples();
        for (var t = 0; t < 10; t++)
        {
            samples.Add(1, t, t, t % 2 == 0 ? Histogram(t) : null);
        }

        samples.BeginFlush();
        for (var t = 10; t < 20; t++)
        {
            samples.Add(1, t, t, t % 2 == 0 ? Histogram(t) : null);
        }

        samples.Add(2, 5, 5, Histogram(5));
        samples.Delete(1, 3, 15);
        var rest = samples.Copy(1, long.MinValue, long.MaxValue)!;
        Assert.Equal([0, 1, 2, 16, 17, 18, 19], rest.Times);
        Assert.Equal([0, 1, 2, 16, 17, 18, 19], rest.Values);
        Assert.Equal([0, null, 2, 16, null, 18, null], rest.Histograms!.Select(h => h?.Sum));
        Assert.Equal(8, samples.Count);
        samples.Delete(1, long.MinValue, long.MaxValue);
        samples.Delete(2, long.MinValue, long.MaxValue);
        samples.Delete(2, long.MinValue, long.MaxValue);
        Assert.Equal((true, 0, 0), (samples.IsEmpty, samples.Count, samples.Bytes));
    }

    private static FloatHistogram Histogram(double sum) =>
        new() { Sum = sum, Count = 1, PositiveSpans = [new BucketSpan(0, 1)], PositiveBuckets = [1] };
}

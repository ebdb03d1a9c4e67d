using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Exposition;

namespace MetricsOperator.Timeseries.Tests.Exposition;

// Every registry of the process sees every meter, so tests with meters run one after another.
[Collection("meters")]
public sealed class MeterRegistryTests
{
    [Fact]
    public void Instruments_are_exposed_by_kind_with_help_and_type()
    {
        using var early = new Meter("MetricsOperator.Test.Kinds");
        early.CreateCounter<long>("kinds_early_total", description: "Made before.").Add(2);
        using var registry = new MeterRegistry();
        using var meter = new Meter("MetricsOperator.Test.Kinds");
        using var other = new Meter("Somebody.Else");
        other.CreateCounter<long>("kinds_foreign_total").Add(1);

        var counter = meter.CreateCounter<double>("kinds_requests_total", description: "Requests\nof \\ all.");
        counter.Add(1.5, new KeyValuePair<string, object?>("code", 200), new("method", "get"));
        counter.Add(1, new KeyValuePair<string, object?>("method", "get"), new("code", 200));
        counter.Add(1, new KeyValuePair<string, object?>("method", "a\"b\\c\nd"));
        var upDown = meter.CreateUpDownCounter<int>("kinds_inflight", description: "In flight.");
        upDown.Add(3);
        upDown.Add(-1);
        meter.CreateGauge<double>("kinds_temperature").Record(20.5);
        meter.CreateObservableCounter("kinds_seen_total", () => 7L, description: "Seen.");
        meter.CreateObservableGauge("kinds_ready", () => new Measurement<int>(1, new KeyValuePair<string, object?>("ok", true)), description: "Ready.");
        var histogram = meter.CreateHistogram("kinds_seconds", null, "Took.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        histogram.Record(0.1);
        histogram.Record(0.5);
        histogram.Record(5);

        Assert.Equal(
            """
            # HELP kinds_early_total Made before.
            # TYPE kinds_early_total counter
            # HELP kinds_inflight In flight.
            # TYPE kinds_inflight gauge
            kinds_inflight 2
            # HELP kinds_ready Ready.
            # TYPE kinds_ready gauge
            kinds_ready{ok="true"} 1
            # HELP kinds_requests_total Requests\nof \\ all.
            # TYPE kinds_requests_total counter
            kinds_requests_total{code="200",method="get"} 2.5
            kinds_requests_total{method="a\"b\\c\nd"} 1
            # HELP kinds_seconds Took.
            # TYPE kinds_seconds histogram
            kinds_seconds_bucket{le="0.1"} 1
            kinds_seconds_bucket{le="1"} 2
            kinds_seconds_bucket{le="+Inf"} 3
            kinds_seconds_sum 5.6
            kinds_seconds_count 3
            # HELP kinds_seen_total Seen.
            # TYPE kinds_seen_total counter
            kinds_seen_total 7
            # HELP kinds_temperature kinds_temperature
            # TYPE kinds_temperature gauge
            kinds_temperature 20.5

            """,
            Lines(registry, "kinds_"));
    }

    [Fact]
    public void Observable_series_last_as_long_as_they_are_reported()
    {
        using var registry = new MeterRegistry();
        var names = new List<string> { "a", "b" };
        var meter = new Meter("MetricsOperator.Test.Observable");
        meter.CreateObservableGauge("observable_items", () => names.Select(n => new Measurement<long>(n[0], new KeyValuePair<string, object?>("name", n))));
        Assert.Contains("observable_items{name=\"a\"} 97\nobservable_items{name=\"b\"} 98\n", Lines(registry, "observable_"));
        names.Remove("a");
        Assert.DoesNotContain("name=\"a\"", Lines(registry, "observable_"));
        meter.Dispose();
        Assert.Equal("", Lines(registry, "observable_"));
    }

    [Fact]
    public void Output_is_read_by_our_own_reader_and_has_the_basics()
    {
        using var registry = new MeterRegistry();
        var output = new ArrayBufferWriter<byte>();
        registry.WriteTo(output);
        var found = new Dictionary<string, double>();
        var reader = new ExpositionReader(output.WrittenSpan, ExpositionFormat.Text);
        for (var entry = reader.Next(); entry != ExpositionEntry.End; entry = reader.Next())
        {
            Assert.True(entry != ExpositionEntry.Error, reader.ErrorMessage);
            if (entry == ExpositionEntry.Series)
            {
                found.Add(Encoding.UTF8.GetString(reader.SeriesBytes), reader.Value);
            }
        }

        Assert.True(found["process_cpu_seconds_total"] > 0);
        Assert.True(found["process_resident_memory_bytes"] > 1_000_000);
        Assert.True(found["process_open_fds"] > 2);
        Assert.True(found["process_start_time_seconds"] > 1_600_000_000);
        Assert.True(found["dotnet_gc_heap_bytes"] > 0);
        Assert.Contains("dotnet_gc_collections_total{generation=\"2\"}", found.Keys);
    }

    [Fact]
    public void Measurements_allocate_nothing_once_their_series_exists()
    {
        using var registry = new MeterRegistry();
        using var meter = new Meter("MetricsOperator.Test.Allocation");
        var counter = meter.CreateCounter<long>("allocation_total");
        var histogram = meter.CreateHistogram<double>("allocation_seconds");
        AllocationAssert.AtMost(0, () =>
        {
            counter.Add(1);
            counter.Add(1, new KeyValuePair<string, object?>("a", "x"));
            counter.Add(1, new KeyValuePair<string, object?>("a", "x"), new("b", "y"));
            counter.Add(1, new KeyValuePair<string, object?>("a", "x"), new("b", "y"), new("c", "z"));
            histogram.Record(0.2, new KeyValuePair<string, object?>("a", "x"));
        });
        Assert.Contains("allocation_total{a=\"x\",b=\"y\",c=\"z\"} 3\n", Lines(registry, "allocation_"));
    }

    [Fact]
    public async Task Measurements_of_several_threads_add_up()
    {
        using var registry = new MeterRegistry();
        using var meter = new Meter("MetricsOperator.Test.Threads");
        var counter = meter.CreateCounter<long>("threads_total");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                counter.Add(1, new KeyValuePair<string, object?>("i", (i % 50).ToString()));
            }
        })));
        var lines = Lines(registry, "threads_total{").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(50, lines.Length);
        Assert.All(lines, line => Assert.EndsWith(" 1600", line));
    }

    [Fact]
    public void Names_that_clash_are_refused_where_they_are_made()
    {
        using var registry = new MeterRegistry();
        using var meter = new Meter("MetricsOperator.Test.Clash");
        meter.CreateCounter<long>("clash_total");
        Assert.Throws<InvalidOperationException>(() => meter.CreateGauge<long>("clash_total"));
        Assert.Throws<InvalidOperationException>(() => meter.CreateCounter<long>("clash.total"));
    }

    private static string Lines(MeterRegistry registry, string prefix)
    {
        var output = new ArrayBufferWriter<byte>();
        registry.WriteTo(output);
        var lines = Encoding.UTF8.GetString(output.WrittenSpan).Split('\n')
            .Where(l => l.Replace("# HELP ", "").Replace("# TYPE ", "").StartsWith(prefix, StringComparison.Ordinal));
        return string.Concat(lines.Select(l => l + "\n"));
    }
}

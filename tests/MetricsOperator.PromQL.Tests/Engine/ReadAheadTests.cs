using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Tests.Conformance;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.PromQL.Tests.Engine;

public sealed class ReadAheadTests
{
    private const int SeriesCount = 2000;

    [Theory]
    [InlineData("x")]
    [InlineData("sum by (odd) (x)")]
    [InlineData("rate(x[1m])")]
    [InlineData("topk(3, max_over_time(x[2m]))")]
    [InlineData("limitk(7, x)")]
    public void Answer_does_not_depend_on_the_number_of_threads(string query)
    {
        var storage = Storage();
        string[] answers = [.. new[] { 0, 1, 3 }.Select(threads => Text(Engine(threads).Range(storage, query, 0, 600_000, 20_000, QueryOptions.Default, default)))];

        Assert.Equal(answers[0], answers[1]);
        Assert.Equal(answers[0], answers[2]);
    }

    [Theory]
    [InlineData("sum(x)")]
    [InlineData("sum(rate(x[1m]))")]
    public void Failure_of_a_series_is_the_failure_of_the_query_and_every_reader_is_closed(string query)
    {
        var storage = new WatchedStorage(Storage()) { FailsAt = 777 };

        var error = Assert.Throws<StorageException>(() => Engine(2).Range(storage, query, 0, 600_000, 20_000, QueryOptions.Default, default));

        Assert.Equal("damaged", error.Message);
        Assert.Equal(storage.Opened, storage.Closed);
        Assert.True(storage.IsClosedAfterReaders);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Cancelled_query_reads_no_more_than_what_is_under_way(int threads)
    {
        using var source = new CancellationTokenSource();
        var storage = new WatchedStorage(Storage());
        storage.Reading = count =>
        {
            if (count == 300)
            {
                source.Cancel();
            }
        };

        Assert.Throws<QueryCanceledException>(() => Engine(threads).Range(storage, "sum(x)", 0, 600_000, 20_000, QueryOptions.Default, source.Token));

        // A batch for each thread, and two that wait for each.
        Assert.InRange(storage.Read, 300, 300 + (5 * 32));
        Assert.Equal(storage.Opened, storage.Closed);
        Assert.True(storage.IsClosedAfterReaders);
    }

    [Fact]
    public void Query_holds_bytes_until_its_limit_and_the_error_says_how_to_raise_it()
    {
        var storage = Storage();
        var free = new QueryMemory(long.MaxValue, "");
        Engine(2).Range(storage, "x", 0, 600_000, 20_000, new QueryOptions { Memory = free }, default);
        Assert.InRange(free.Peak, SeriesCount * 31 * 8, SeriesCount * 31 * 8 * 4);

        // A sum holds one series at a time, and its groups.
        var sum = new QueryMemory(long.MaxValue, "");
        Engine(2).Range(storage, "sum by (odd) (x)", 0, 600_000, 20_000, new QueryOptions { Memory = sum }, default);
        Assert.InRange(sum.Peak, 1, 10_000);

        var tight = new QueryMemory(100_000, "raise the limit");
        var error = Assert.Throws<QueryExecutionException>(
            () => Engine(2).Range(storage, "x", 0, 600_000, 20_000, new QueryOptions { Memory = tight }, default));
        Assert.EndsWith("bytes in memory, more than the limit of 100000: raise the limit", error.Message, StringComparison.Ordinal);
    }

    private static QueryEngine Engine(int threads) => new(new QueryEngineOptions
    {
        ReadAheadThreads = threads,
        Features = EngineFeatures.ExperimentalFunctions,
    });

    private static MemoryStorage Storage()
    {
        var storage = new MemoryStorage();
        for (var n = 0; n < SeriesCount; n++)
        {
            var labels = LabelSet.Of(("__name__", "x"), ("n", $"{n:D4}"), ("odd", n % 2 == 0 ? "no" : "yes"));
            for (var i = 0; i < 60; i++)
            {
                storage.Add(labels, i * 10_000, (i * n % 1000) / 7.0);
            }
        }

        return storage;
    }

    private static string Text(QueryResult result) => string.Join('\n', ((MatrixValue)result.Value).Series.Select(
        s => s.Labels + " " + string.Join(' ', s.Floats.Select(BitConverter.DoubleToInt64Bits))));

    /// <summary>Counts the readers of a storage and what they read; one of them may fail.</summary>
    private sealed class WatchedStorage(IQueryable inner) : IQueryable
    {
        private int _opened;
        private int _closed;
        private int _read;

        public int FailsAt { get; init; } = -1;

        public Action<int> Reading { get; set; } = static _ => { };

        public int Opened => _opened;

        public int Closed => _closed;

        public int Read => _read;

        public bool IsClosedAfterReaders { get; private set; }

        public ISeriesQuerier OpenQuerier(long minMs, long maxMs) => new Querier(this, inner.OpenQuerier(minMs, maxMs));

        private sealed class Querier(WatchedStorage owner, ISeriesQuerier inner) : ISeriesQuerier
        {
            public ISeriesSet Select(bool sorted, SelectHints hints, IReadOnlyList<LabelMatcher> matchers, CancellationToken cancellation) =>
                new Set(owner, inner.Select(sorted, hints, matchers, cancellation));

            public IReadOnlyList<string> LabelValues(string name, IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation) =>
                inner.LabelValues(name, matchers, limit, cancellation);

            public IReadOnlyList<string> LabelNames(IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation) =>
                inner.LabelNames(matchers, limit, cancellation);

            public void Dispose()
            {
                owner.IsClosedAfterReaders = owner._opened == owner._closed;
                inner.Dispose();
            }
        }

        private sealed class Set(WatchedStorage owner, ISeriesSet inner) : ISeriesSet
        {
            public LabelSet Labels => inner.Labels;

            public IReadOnlyList<string> Warnings => inner.Warnings;

            public bool MoveNext() => inner.MoveNext();

            public SampleReader OpenReader() => new Reader(owner, inner.OpenReader(), Interlocked.Increment(ref owner._opened));
        }

        private sealed class Reader(WatchedStorage owner, SampleReader inner, int number) : SampleReader
        {
            private bool _isRead;
            private bool _isClosed;

            public override SampleKind NextKind()
            {
                if (!_isRead)
                {
                    _isRead = true;
                    owner.Reading(Interlocked.Increment(ref owner._read));
                }

                return number == owner.FailsAt ? throw new StorageException("damaged") : inner.NextKind();
            }

            public override int ReadFloats(Span<long> timestampsMs, Span<double> values) => inner.ReadFloats(timestampsMs, values);

            public override int ReadHistograms(Span<long> timestampsMs, Span<FloatHistogram?> values) => inner.ReadHistograms(timestampsMs, values);

            public override void SkipTo(long timestampMs) => inner.SkipTo(timestampMs);

            protected override void Dispose(bool disposing)
            {
                base.Dispose(disposing);
                if (!_isClosed)
                {
                    _isClosed = true;
                    Interlocked.Increment(ref owner._closed);
                    inner.Dispose();
                }
            }
        }
    }
}

using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Tsdb.Tests.Head;

/// <summary>Many samples at once, and what happens to a transaction when the series of the head are numbered anew.</summary>
public sealed class HeadAppenderTests
{
    private const long Hour = 3_600_000;

    [Fact]
    public void Samples_that_come_together_fare_as_if_they_came_alone()
    {
        using var directory = new TempDir();
        using var db = TestDb.Open(directory.Path);
        db.Append(LabelSet.Of(("__name__", "a")), (10 * Hour, 1));
        using var appender = db.CreateAppender();
        var a = appender.GetOrCreate(LabelSet.Of(("__name__", "a")), out _);
        var b = appender.GetOrCreate(LabelSet.Of(("__name__", "b")), out _);
        SeriesSample[] samples =
        [
            new(a, 10 * Hour, 1),
            new(a, 10 * Hour, 2),
            new(b, 10 * Hour, 3),
            new(a, (10 * Hour) - 1, 4),
            new(new SeriesRef(999), 10 * Hour, 5),
            new(b, 8 * Hour, 6),
            new(a, (10 * Hour) + 1, 7),
        ];
        AppendOutcome[] want =
        [
            AppendOutcome.Ok, AppendOutcome.DuplicateTimestamp, AppendOutcome.Ok, AppendOutcome.OutOfOrder, AppendOutcome.UnknownSeries,
            AppendOutcome.OutOfBounds, AppendOutcome.Ok,
        ];
        var outcomes = new AppendOutcome[samples.Length];
        appender.Append(samples, outcomes);
        Assert.Equal(want, outcomes);
        Assert.Equal(want, samples.Select(s => appender.Append(s.Series, s.TimestampMs, s.Value)));
        appender.Commit();
        var all = db.ReadAll();
        Assert.Equal([(10 * Hour, Bits(1)), ((10 * Hour) + 1, Bits(7))], all["{__name__=\"a\"}"]);
        Assert.Equal([(10 * Hour, Bits(3))], all["{__name__=\"b\"}"]);
    }

    [Fact]
    public void Samples_reach_their_series_though_it_has_another_number_by_the_commit()
    {
        using var directory = new TempDir();
        using var head = new MemoryHead(new HeadChunkFiles(DiskFiles.Instance, directory["chunks_head"], NullLogger.Instance), 2 * Hour);
        head.AttachLog(new HeadLog(
            new WalWriter(DiskFiles.Instance, directory["wal"], 0, WalFormat.PageSize * 4, compress: false),
            () => throw new InvalidOperationException("no sample is late")));
        var series = new List<SeriesRef>();
        using (var creating = head.CreateAppender())
        {
            series.AddRange(Enumerable.Range(0, 10).Select(i => creating.GetOrCreate(LabelSet.Of(("__name__", $"m{i}")), out _)));
            creating.Commit();
        }

        using var appender = head.CreateAppender();
        Assert.All(series, s => Assert.Equal(AppendOutcome.Ok, appender.Append(s, Hour, s.Value)));
        head.Change(h => h.Store.RemoveAll(number => number % 3 == 0));
        appender.Commit();
        Assert.Equal(6, head.Store.Count);
        for (var number = 0; number < head.Store.Count; number++)
        {
            ref var found = ref head.Store[number];
            Assert.Equal(Hour, found.LastTime);
            Assert.Equal(BitConverter.DoubleToUInt64Bits(found.Reference), found.Xor.Value.Bits);
        }

        Assert.Equal(4, head.Counters.SeriesNotFound);
    }

    private static string Bits(double value) => BitConverter.DoubleToUInt64Bits(value).ToString("x16");
}

using MetricsOperator.Server.RemoteWrite;
using MetricsOperator.Server.Tests.Scraping;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.RemoteWrite;

/// <summary>Series that are known from earlier requests are treated as those that are not.</summary>
public sealed class WriteRequestAppenderTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingStorage _storage = new();
    private readonly KnownSeries _known;
    private readonly long _now;

    public WriteRequestAppenderTests()
    {
        _known = new KnownSeries(_time);
        _now = _time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    [Fact]
    public void Samples_of_known_series_arrive_like_the_first()
    {
        for (var request = 0; request < 3; request++)
        {
            Assert.Equal(204, Append(_storage, V1(2000, _now + request)).Status);
        }

        Assert.Equal(2000, _storage.SeriesCount);
        Assert.Equal(2000, _known.Count);
        Assert.Equal(6000, _storage.Committed.Count);
        Assert.Equal([17, 17, 17], _storage.Values(LabelsOf(17).ToString()));
    }

    [Fact]
    public void A_series_that_the_storage_forgot_is_created_again()
    {
        Append(_storage, V1(600, _now));
        _storage.ForgetSeries();
        Assert.Equal(0, _storage.SeriesCount);
        var outcome = Append(_storage, V1(600, _now + 1));
        Assert.Equal((204, 600L), (outcome.Status, outcome.Samples));
        Assert.Equal(600, _storage.SeriesCount);
        Assert.Equal([599, 599], _storage.Values(LabelsOf(599).ToString()));
        Assert.Equal(204, Append(_storage, V1(600, _now + 2)).Status);
        Assert.Equal(600, _storage.SeriesCount);
        Assert.Equal(1800, _storage.Committed.Count);
    }

    [Fact]
    public void A_series_that_may_not_be_created_again_is_refused_and_the_others_are_stored()
    {
        Append(_storage, V1(3, _now));
        _storage.ForgetSeries();
        _storage.Admit = labels => !labels.Equals(LabelsOf(1));
        for (var request = 1; request < 3; request++)
        {
            var outcome = Append(_storage, V1(3, _now + request));
            Assert.Equal((400, 2L), (outcome.Status, outcome.Samples));
            Assert.StartsWith("1 new series refused", outcome.Error, StringComparison.Ordinal);
        }

        Assert.Equal([1], _storage.Values(LabelsOf(1).ToString()));
        Assert.Equal([2, 2, 2], _storage.Values(LabelsOf(2).ToString()));
    }

    [Fact]
    public void A_series_with_many_samples_is_refused_once()
    {
        _storage.Admit = _ => false;
        var request = new WriteRequestWriter(WriteRequestVersion.V1);
        request.StartSeries(LabelsOf(1));
        for (var i = 0; i < 2000; i++)
        {
            request.Sample(_now + i, i);
        }

        Assert.StartsWith("1 new series refused", Append(_storage, request.ToArray()).Error, StringComparison.Ordinal);
        _storage.Admit = _ => true;
        Assert.Equal(2000, Append(_storage, request.ToArray()).Samples);
        Assert.Equal(Enumerable.Range(0, 2000).Select(i => (double)i), _storage.Values(LabelsOf(1).ToString()));
    }

    [Fact]
    public void Labels_in_another_order_or_with_empty_values_are_the_same_series()
    {
        var written = WriteRequests.V1(_now, 5, ("__name__", "m"), ("a", "1"), ("b", "2"));
        var turned = WriteRequests.V1(_now + 1, 5, ("b", "2"), ("a", "1"), ("__name__", "m"));
        var padded = WriteRequests.V1(_now + 2, 5, ("__name__", "m"), ("a", "1"), ("b", "2"), ("c", ""));
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal([204, 204, 204], new[] { written, turned, padded }.Select(r => Append(_storage, r).Status));
        }

        Assert.Equal(1, _storage.SeriesCount);
        Assert.Equal(3, _known.Count);
        Assert.Equal(6, _storage.Committed.Count);
    }

    [Fact]
    public void Labels_that_may_not_be_are_left_out_however_often_they_come()
    {
        byte[][] refused =
        [
            WriteRequests.V1(_now, 5, ("a", "1")),
            WriteRequests.V1(_now, 5, ("__name__", "")),
            WriteRequests.V1(_now, 5, ("__name__", "m"), ("a", "1"), ("a", "1")),
            WriteRequests.V1(_now, 5, ("__name__", "m"), ("a", "1"), ("a", "2")),
            WriteRequests.V1(_now, 5, ("__name__", "m"), ("", "1")),
        ];
        Append(_storage, WriteRequests.V1(_now, 5, ("__name__", "m"), ("a", "1")));
        for (var round = 0; round < 2; round++)
        {
            foreach (var request in refused)
            {
                Assert.Equal((204, 0L), (Append(_storage, request).Status, Append(_storage, request).Samples));
            }
        }

        Assert.Single(_storage.Committed);
        Assert.Equal(1, _known.Count);
    }

    [Fact]
    public void A_request_that_is_malformed_at_its_end_leaves_nothing()
    {
        Append(_storage, V1(1000, _now));
        Assert.Equal(400, Append(_storage, [.. V1(1000, _now + 1), 0x0A, 5, 1]).Status);
        Assert.Equal(1000, _storage.Committed.Count);
    }

    [Fact]
    public void Samples_from_the_future_refuse_the_request_whether_or_not_the_series_is_known()
    {
        var far = _now + (3600 * 1000);
        Assert.Equal(400, Append(_storage, V1(1, far)).Status);
        Append(_storage, V1(2, _now));
        Assert.Equal("out of bounds: timestamp is too far in the future", Append(_storage, [.. V1(2, _now + 1), .. V1(1, far)]).Error);
        Assert.Equal(2, _storage.Committed.Count);
    }

    [Fact]
    public void The_first_bad_sample_of_a_request_is_the_one_that_is_named()
    {
        using var directory = new TempDir();
        using var db = Open(directory);
        Append(db, V1(3, _now));
        Assert.Equal("duplicate sample for timestamp", Append(db, [.. V1(1, _now + 1), .. WriteRequests.V1(_now, 5, ("__name__", "m1"), ("i", "1")), .. V1(1, _now - 1)]).Error);
        Assert.Equal("out of order sample", Append(db, [.. V1(1, _now - 1), .. WriteRequests.V1(_now, 5, ("__name__", "m1"), ("i", "1"))]).Error);
        Assert.Equal(204, Append(db, V1(3, _now + 1)).Status);
    }

    /// <summary>The gate: what a request of known series allocates does not depend on how many there are.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(5000)]
    public void A_request_of_known_series_allocates_next_to_nothing(int series)
    {
        using var directory = new TempDir();
        using var db = Open(directory);
        var requests = new Queue<byte[]>(Enumerable.Range(0, 10).Select(i => V1(series, _now + i)));
        AllocationAssert.AtMost(16 * 1024, () => Assert.Equal(204, Append(db, requests.Dequeue()).Status));
    }

    private static TimeSeriesDb Open(TempDir directory) => TimeSeriesDb.Open(new TsdbOptions { Path = directory["data"] }, null, CancellationToken.None);

    private static LabelSet LabelsOf(int i) => LabelSet.Of(("__name__", "m" + (i % 10)), ("i", i.ToString()));

    private static byte[] V1(int series, long timestampMs)
    {
        var writer = new WriteRequestWriter(WriteRequestVersion.V1);
        for (var i = 0; i < series; i++)
        {
            writer.StartSeries(LabelsOf(i));
            writer.Sample(timestampMs, i);
        }

        return writer.ToArray();
    }

    private WriteOutcome Append(IAppendable storage, byte[] request) =>
        new WriteRequestAppender(storage, _known, _time, NullLogger.Instance).Append(request, WriteRequestVersion.V1);
}

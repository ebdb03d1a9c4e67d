using System.Text;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Queries;
using MetricsOperator.TestKit;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Queries;

public sealed class ActiveQueryLogTests : IDisposable
{
    private readonly TempDir _folder = new();
    private readonly FakeTimeProvider _time = new();
    private (long Used, long Limit) _memory = (100, 1000);

    private string File => _folder[ActiveQueryLog.FileName];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_runs_is_in_the_file_and_what_ended_is_not()
    {
        using var log = Create(3);
        var first = Begin(log, "up{job=\"a\"}", 3_600_000);
        using var second = Begin(log, "sum(rate(b[5m]))");
        second.Holds(ActiveQueryLog.FirstMark);
        var found = Unfinished();
        Assert.Equal(["up{job=\"a\"}", "sum(rate(b[5m]))"], found.Select(q => q.Query));
        Assert.Equal([QueryForm.Of(PromQLParser.Parse("up{job=\"a\"}")).Fingerprint, QueryForm.Of(PromQLParser.Parse("sum(rate(b[5m]))")).Fingerprint], found.Select(q => q.Fingerprint!.Value));
        Assert.Equal([3_600_000, 0], found.Select(q => q.SpanMs));
        Assert.Equal([0, ActiveQueryLog.FirstMark], found.Select(q => q.PeakBytes));
        Assert.Equal([_time.GetUtcNow(), _time.GetUtcNow()], found.Select(q => q.Started));
        Assert.All(found, q => Assert.Equal("boot", q.BootId));
        first.Dispose();
        first.Dispose();
        Assert.Equal(["sum(rate(b[5m]))"], Unfinished().Select(q => q.Query));
    }

    [Fact]
    public void The_file_has_the_layout_of_Prometheus()
    {
        using var log = Create(4);
        using var one = Begin(log, "a");
        using var two = Begin(log, "b");
        var bytes = System.IO.File.ReadAllBytes(File);
        Assert.Equal(1 + (4 * 1000), bytes.Length);
        Assert.Equal((byte)'[', bytes[0]);
        Assert.Equal((byte)',', bytes[1000]);

        // Prometheus takes the zeros out and puts a bracket in place of the last character.
        var text = Encoding.UTF8.GetString(bytes).Replace("\0", "", StringComparison.Ordinal).TrimEnd(',') + "]";
        var entries = System.Text.Json.JsonDocument.Parse(text).RootElement;
        Assert.Equal(["a", "b"], entries.EnumerateArray().Select(e => e.GetProperty("query").GetString()));
        Assert.Equal(_time.GetUtcNow().ToUnixTimeSeconds(), entries[0].GetProperty("timestamp_sec").GetInt64());
    }

    [Fact]
    public void Bytes_are_written_again_when_they_grew_by_a_quarter()
    {
        using var log = Create(2);
        using var query = Begin(log, "a");
        query.Holds(ActiveQueryLog.FirstMark - 1);
        Assert.Equal(0, Assert.Single(Unfinished()).PeakBytes);
        query.Holds(1_000_000);
        Assert.Equal(1_000_000, Assert.Single(Unfinished()).PeakBytes);
        query.Holds(1_100_000);
        Assert.Equal(1_000_000, Assert.Single(Unfinished()).PeakBytes);
        query.Holds(1_250_000);
        Assert.Equal(1_250_000, Assert.Single(Unfinished()).PeakBytes);
        Assert.Equal("a", Assert.Single(Unfinished()).Query);
    }

    [Fact]
    public void Use_of_memory_is_what_was_measured_or_what_the_query_added_since()
    {
        using var log = Create(2);
        using var query = Begin(log, "a");
        query.Holds(1_000_000);
        Assert.Equal((1_000_100L, 1000L), (Unfinished()[0].UsedBytes, Unfinished()[0].LimitBytes));
        _memory = (5_000_000, 6_000_000);
        query.Holds(2_000_000);
        Assert.Equal((5_000_000L, 6_000_000L), (Unfinished()[0].UsedBytes, Unfinished()[0].LimitBytes));
    }

    [Fact]
    public void What_was_given_back_stays_the_most_and_a_heartbeat_brings_the_use_up_to_date()
    {
        using var log = Create(2);
        using var heavy = Begin(log, "a");
        using var light = Begin(log, "b");
        heavy.Holds(1_000_000);
        heavy.Holds(10);
        _memory = (7_000_000, 8_000_000);
        log.Refresh();
        var found = Unfinished();
        Assert.Equal((1_000_000L, 7_000_000L, 8_000_000L), (found[0].PeakBytes, found[0].UsedBytes, found[0].LimitBytes));
        Assert.Equal((0L, 100L), (found[1].PeakBytes, found[1].UsedBytes));
        Assert.Equal((10L, 1_000_000L), (log.Running[0].HeldBytes, log.Running[0].PeakBytes));
    }

    [Fact]
    public void Long_texts_are_cut_and_odd_ones_stay_readable()
    {
        using var log = Create(3);
        var quotes = "a{x=\"" + new string('"', 2000) + "\u0001\u4e16";
        using var one = Begin(log, quotes, Form("a"));
        using var two = Begin(log, string.Concat(Enumerable.Repeat("\U0001F600", 1000)), Form("a"));
        using var three = Begin(log, "", Form("a"));
        var found = Unfinished();
        Assert.Equal(3, found.Count);
        Assert.StartsWith(found[0].Query, quotes, StringComparison.Ordinal);
        Assert.True(found[0].Query.Length > 200, found[0].Query);
        Assert.All(found[1].Query.EnumerateRunes(), r => Assert.Equal(0x1F600, r.Value));
        Assert.Equal("", found[2].Query);
    }

    [Fact]
    public void Without_a_free_entry_a_query_runs_unlogged()
    {
        using var log = Create(1);
        var one = Begin(log, "a");
        using var two = Begin(log, "b");
        two.Holds(10_000_000);
        Assert.Equal((1L, 2), (log.Unlogged, log.Running.Count));
        Assert.Equal(["a"], Unfinished().Select(q => q.Query));
        one.Dispose();
        using var three = Begin(log, "c");
        Assert.Equal(["c"], Unfinished().Select(q => q.Query));
        Assert.Equal(10_000_000, log.Running[0].HeldBytes);
    }

    [Fact]
    public void A_query_that_only_waits_has_no_entry()
    {
        using var log = Create(1);
        log.Prepare("a", Form("a"), 0).Dispose();
        using var waits = log.Prepare("b", Form("b"), 0);
        using var runs = Begin(log, "c");
        Assert.Equal(["c"], Unfinished().Select(q => q.Query));
        Assert.Equal(["c"], log.Running.Select(q => q.Query));
    }

    [Fact]
    public void A_clean_stop_leaves_nothing_though_a_query_still_runs()
    {
        var log = Create(2);
        var query = Begin(log, "a");
        log.Dispose();
        Assert.Empty(Unfinished());
        query.Holds(10_000_000);
        query.Dispose();
        Assert.Empty(Unfinished());
    }

    [Fact]
    public void Entries_of_Prometheus_are_understood()
    {
        var bytes = new byte[1 + (20 * 1000)];
        bytes[0] = (byte)'[';
        Encoding.UTF8.GetBytes("{\"query\":\"up\",\"timestamp_sec\":1700000000}").CopyTo(bytes, 1);
        bytes[1000] = (byte)',';
        System.IO.File.WriteAllBytes(File, bytes);
        var query = Assert.Single(Unfinished());
        Assert.Null(query.Fingerprint);
        Assert.Equal(("up", "", 1_700_000_000L), (query.Query, query.BootId, query.Started.ToUnixTimeSeconds()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("garbage that is no list at all")]
    [InlineData("[{\"query\":\"a\"")]
    [InlineData("[{\"query\":1,\"timestamp_sec\":1}")]
    [InlineData("[{\"query\":\"a\",\"timestamp_sec\":99999999999999999}")]
    [InlineData("[{\"query\":\"a\",\"timestamp_sec\":1,\"peak_bytes\":\"x\"}")]
    [InlineData("[[1]")]
    public void A_malformed_file_is_no_reason_not_to_start(string content)
    {
        System.IO.File.WriteAllText(File, content);
        Assert.Empty(Unfinished());
        using var log = Create(2);
        using var query = Begin(log, "a");
        Assert.Equal("a", Assert.Single(Unfinished()).Query);
    }

    [Fact]
    public void A_damaged_entry_does_not_hide_the_others()
    {
        using (var log = Create(3))
        {
            using var one = Begin(log, "a");
            using var two = Begin(log, "b");
            var bytes = System.IO.File.ReadAllBytes(File);
            bytes[20] = 0xff;
            bytes[1] = (byte)'x';
            System.IO.File.WriteAllBytes(_folder["copy"], bytes);
        }

        System.IO.File.Copy(_folder["copy"], File, overwrite: true);
        Assert.Equal(["b"], Unfinished().Select(q => q.Query));
    }

    [Fact]
    public void Numbers_beyond_sense_accuse_nobody_and_break_nothing()
    {
        var entry = "{\"peak_bytes\":9223372036854775807,\"used_bytes\":9223372036854775807,\"limit_bytes\":9223372036854775807,\"fingerprint\":\"0000000000000001\","
            + "\"boot_id\":\"b\",\"timestamp_sec\":1,\"query\":\"a\"}";
        System.IO.File.WriteAllText(File, "[" + string.Concat(Enumerable.Repeat(entry.PadRight(999, '\0') + ",", 5)));
        var found = Unfinished();
        Assert.Equal(5, found.Count);
        Assert.Null(QueryDeaths.Culprit(found));
    }

    [Fact]
    public void A_place_that_cannot_be_written_lets_queries_run()
    {
        Directory.CreateDirectory(File);
        using var log = Create(2);
        using var query = Begin(log, "a");
        query.Holds(1_000_000);
        Assert.Equal(1, log.Unlogged);
        Assert.Empty(Unfinished());
    }

    [Fact]
    public async Task Many_threads_leave_nothing_behind()
    {
        using var log = Create(8);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                using var query = Begin(log, $"a{t}");
                query.Holds(100_000 * (i + 1));
            }
        })));
        Assert.Empty(Unfinished());
        Assert.Equal((0, 0L), (log.Running.Count, log.Unlogged));
    }

    private static QueryForm Form(string query) => QueryForm.Of(PromQLParser.Parse(query));

    private static ActiveQueryLog.Entry Begin(ActiveQueryLog log, string query, long spanMs = 0) => Begin(log, query, Form(query), spanMs);

    private static ActiveQueryLog.Entry Begin(ActiveQueryLog log, string query, QueryForm form, long spanMs = 0)
    {
        var entry = log.Prepare(query, form, spanMs);
        entry.Start();
        return entry;
    }

    private ActiveQueryLog Create(int entries) =>
        ActiveQueryLog.Create(CompanionFiles.In(_folder.Path), entries, "boot", () => _memory, _time, NullLogger.Instance);

    private IReadOnlyList<ActiveQuery> Unfinished() => ActiveQueryLog.ReadUnfinished(CompanionFiles.In(_folder.Path), NullLogger.Instance);
}

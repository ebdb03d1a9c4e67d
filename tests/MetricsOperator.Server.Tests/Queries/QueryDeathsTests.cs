using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Queries;
using MetricsOperator.TestKit;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Queries;

public sealed class QueryDeathsTests : IDisposable
{
    private const long Mebibyte = 1024 * 1024;
    private static readonly QueryForm Form = QueryForm.Of(PromQLParser.Parse("sum(a)"));
    private readonly TempDir _folder = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_first_death_halves_the_bytes_and_the_second_refuses()
    {
        var deaths = Load();
        Assert.Equal(QueryVerdict.None, deaths.Of(Form, 0));
        deaths.Record(Culprit("one"));
        var warned = deaths.Of(Form, 3_600_000);
        Assert.Null(warned.Refusal);
        Assert.Equal(50 * Mebibyte, warned.MaxBytes);
        Assert.Contains(QueryForm.Format(Form.Fingerprint), warned.Warning, StringComparison.Ordinal);
        deaths.Record(Culprit("two"));
        var refused = deaths.Of(Form, 3_600_000);
        Assert.Contains("2 times the server was killed for lack of memory", refused.Refusal, StringComparison.Ordinal);
        Assert.Contains($"POST /api/v1/admin/queries/lift?fingerprint={QueryForm.Format(Form.Fingerprint)}", refused.Refusal, StringComparison.Ordinal);
        Assert.Contains("2026-01-02T00:00:00Z", refused.Refusal, StringComparison.Ordinal);
        Assert.Equal(QueryVerdict.None, deaths.Of(QueryForm.Of(PromQLParser.Parse("sum(b)")), 3_600_000));
    }

    [Fact]
    public void The_same_death_is_recorded_once()
    {
        var deaths = Load();
        deaths.Record(Culprit("one"));
        Load().Record(Culprit("one"));
        Assert.Null(Load().Of(Form, 3_600_000).Refusal);
        Assert.Single(Assert.Single(Load().All).Query.Deaths);
    }

    [Fact]
    public void A_restart_remembers()
    {
        Load().Record(Culprit("one"));
        Load().Record(Culprit("two"));
        Assert.NotNull(Load().Of(Form, 3_600_000).Refusal);
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromDays(1), Assert.Single(Load().All).RefusedUntil);
    }

    [Fact]
    public void A_query_over_less_than_half_of_the_time_is_another_matter()
    {
        var deaths = Load();
        deaths.Record(Culprit("one"));
        deaths.Record(Culprit("two"));
        Assert.Equal(QueryVerdict.None, deaths.Of(Form, 1_799_999));
        Assert.NotNull(deaths.Of(Form, 1_800_000).Refusal);
    }

    [Fact]
    public void A_refusal_ends_and_the_next_death_brings_it_back_at_once()
    {
        var deaths = Load();
        deaths.Record(Culprit("one"));
        deaths.Record(Culprit("two"));
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Null(deaths.Of(Form, 3_600_000).Refusal);
        Assert.Equal(50 * Mebibyte, deaths.Of(Form, 3_600_000).MaxBytes);
        deaths.Record(Culprit("three"));
        Assert.NotNull(deaths.Of(Form, 3_600_000).Refusal);
        _time.Advance(QueryDeaths.Memory);
        Assert.Equal(QueryVerdict.None, deaths.Of(Form, 3_600_000));
    }

    [Fact]
    public void Lifting_forgets_for_good()
    {
        var deaths = Load();
        deaths.Record(Culprit("one"));
        deaths.Record(Culprit("two"));
        Assert.False(deaths.Lift(1));
        Assert.True(deaths.Lift(Form.Fingerprint));
        Assert.Equal(QueryVerdict.None, deaths.Of(Form, 3_600_000));
        Assert.Empty(Load().All);
    }

    [Fact]
    public void Without_a_refusal_time_deaths_are_only_recorded()
    {
        var deaths = Load(TimeSpan.Zero);
        deaths.Record(Culprit("one"));
        deaths.Record(Culprit("two"));
        Assert.Equal(QueryVerdict.None, deaths.Of(Form, 3_600_000));
        Assert.Equal(2, Assert.Single(deaths.All).Query.Deaths.Count);
    }

    [Fact]
    public void What_is_remembered_is_bounded()
    {
        var deaths = Load();
        for (var query = 0; query < 150; query++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            deaths.Record(Culprit("one") with { Fingerprint = (ulong)query, Query = new string('x', 5000) });
        }

        for (var death = 0; death < 30; death++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            deaths.Record(Culprit($"boot-{death}") with { Fingerprint = 149 });
        }

        var all = Load().All;
        Assert.Equal(100, all.Count);
        Assert.Equal(10, all[0].Query.Deaths.Count);
        Assert.Equal("boot-29", all[0].Query.Deaths[^1].BootId);
        Assert.DoesNotContain(all, k => k.Query.Fingerprint == QueryForm.Format(49));
    }

    [Fact]
    public void A_clock_that_went_back_does_not_make_a_refusal_last()
    {
        _time.Advance(TimeSpan.FromDays(20));
        var deaths = Load();
        deaths.Record(Culprit("one"));
        deaths.Record(Culprit("two"));
        var earlier = new FakeTimeProvider();
        var loaded = QueryDeaths.Load(CompanionFiles.In(_folder.Path), TimeSpan.FromDays(1), earlier, NullLogger.Instance);
        Assert.Equal(earlier.GetUtcNow() + TimeSpan.FromDays(1), Assert.Single(loaded.All).RefusedUntil);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"version\":1}")]
    [InlineData("{\"version\":2,\"queries\":[]}")]
    [InlineData("{\"version\":1,\"queries\":[null]}")]
    [InlineData("{\"version\":1,\"queries\":[{\"fingerprint\":\"0000000000000001\",\"query\":\"a\",\"deaths\":[null]}]}")]
    [InlineData("{\"version\":1,\"queries\":[{\"fingerprint\":\"0000000000000001\",\"query\":\"a\",\"deaths\":[]}]}")]
    [InlineData("{\"version\":1,\"queries\":[{\"fingerprint\":\"zz\",\"query\":\"a\",\"deaths\":[{\"bootId\":\"b\",\"at\":\"2026-01-01T00:00:00Z\",\"spanMs\":0,\"peakBytes\":1,\"usedBytes\":1,\"limitBytes\":1}]}]}")]
    public void A_malformed_file_begins_anew(string content)
    {
        File.WriteAllText(_folder[QueryDeaths.FileName], content);
        var deaths = Load();
        Assert.Empty(deaths.All);
        deaths.Record(Culprit("one"));
        Assert.Single(Load().All);
    }

    [Fact]
    public void The_culprit_holds_most_and_much_while_memory_is_short()
    {
        var query = Culprit("one");
        Assert.Same(query, QueryDeaths.Culprit([query]));
        Assert.Same(query, QueryDeaths.Culprit([query with { PeakBytes = 99 * Mebibyte }, query]));
        Assert.Null(QueryDeaths.Culprit([]));
        Assert.Null(QueryDeaths.Culprit([query, query with { BootId = "same" }]));
        Assert.Null(QueryDeaths.Culprit([query with { UsedBytes = 600 * Mebibyte }]));
        Assert.Null(QueryDeaths.Culprit([query with { LimitBytes = 0 }]));
        Assert.Null(QueryDeaths.Culprit([query with { PeakBytes = 62 * Mebibyte }]));
        Assert.Null(QueryDeaths.Culprit([query with { Fingerprint = null }]));
    }

    private static ActiveQuery Culprit(string boot) => new()
    {
        Query = "sum(a)",
        Started = DateTimeOffset.UnixEpoch,
        Fingerprint = Form.Fingerprint,
        BootId = boot,
        SpanMs = 3_600_000,
        PeakBytes = 100 * Mebibyte,
        UsedBytes = 900 * Mebibyte,
        LimitBytes = 1000 * Mebibyte,
    };

    private QueryDeaths Load(TimeSpan? refusal = null) =>
        QueryDeaths.Load(CompanionFiles.In(_folder.Path), refusal ?? TimeSpan.FromDays(1), _time, NullLogger.Instance);
}

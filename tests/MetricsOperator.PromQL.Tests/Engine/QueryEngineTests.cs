using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.PromQL.Tests.Conformance;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Engine;

public sealed class QueryEngineTests
{
    private readonly MemoryStorage _storage = new();

    public QueryEngineTests()
    {
        for (var series = 0; series < 10; series++)
        {
            var labels = LabelSet.Of(("__name__", "requests"), ("n", series.ToString()));
            for (var i = 0; i < 100; i++)
            {
                _storage.Add(labels, i * 10_000, i * series);
            }
        }
    }

    [Fact]
    public void Range_query_of_a_range_vector_is_refused_with_prometheus_words()
    {
        var error = Assert.Throws<ParseException>(() => Engine().Range(_storage, "requests[5m]", 0, 10, 1, QueryOptions.Default, default));

        Assert.Equal("invalid expression type \"range vector\" for range query, must be Scalar or instant Vector", error.Message);
    }

    [Fact]
    public void Scalar_range_query_yields_a_matrix_without_labels()
    {
        var value = Engine().Range(_storage, "time() * 2", 0, 20_000, 10_000, QueryOptions.Default, default).Value;

        var series = Assert.Single(Assert.IsType<MatrixValue>(value).Series);
        Assert.Equal(LabelSet.Empty, series.Labels);
        Assert.Equal([0.0, 20, 40], series.Floats);
        Assert.Equal([0L, 10_000, 20_000], series.FloatTimestampsMs);
    }

    [Fact]
    public void Query_over_the_sample_limit_fails_with_prometheus_words()
    {
        var engine = new QueryEngine(new QueryEngineOptions { MaxSamples = 50 });

        Assert.Equal(10, Vector(engine, "requests", 500_000).Samples.Count);
        var error = Assert.Throws<QueryExecutionException>(() => Vector(engine, "sum_over_time(requests[15m])", 990_000));
        Assert.Equal(
            "query processing would load too many samples into memory in query execution: the limit is 50 samples; ask for fewer series or steps, or raise it",
            error.Message);
    }

    [Theory]
    [InlineData("max_over_time(requests[100y:1ms])")]
    [InlineData("max_over_time(vector(1)[1y:1s])")]
    public void Subquery_with_too_many_steps_fails_before_it_takes_memory(string query)
    {
        Assert.Throws<QueryExecutionException>(() => Vector(Engine(), query, 500_000));
    }

    [Fact]
    public void Sum_over_many_series_holds_one_of_them_at_a_time()
    {
        var result = Engine().Range(_storage, "sum(requests)", 0, 990_000, 10_000, QueryOptions.Default, default);

        Assert.InRange(result.Stats.PeakSamples, 100, 200);
        Assert.Equal(1000, result.Stats.TotalQueryableSamples);
    }

    [Fact]
    public void Samples_are_counted_per_step_when_asked_for()
    {
        var options = new QueryOptions { PerStepStats = true };

        var stats = Engine().Range(_storage, "rate(requests[30s])", 0, 30_000, 10_000, options, default).Stats;

        Assert.Equal([(0L, 10L), (10_000L, 20L), (20_000L, 30L), (30_000L, 30L)], stats.SamplesPerStep);
    }

    [Fact]
    public void Each_selector_is_selected_once_whatever_the_steps()
    {
        Engine().Range(_storage, "sum(requests) + max_over_time(avg(requests)[5m:10s])", 0, 900_000, 10_000, QueryOptions.Default, default);

        Assert.Equal(2, _storage.Selects);
    }

    [Fact]
    public void Cancelled_query_throws_its_own_exception()
    {
        var error = Assert.Throws<QueryCanceledException>(
            () => Engine().Instant(_storage, "requests", 0, QueryOptions.Default, new CancellationToken(canceled: true)));

        Assert.Equal("query was canceled in expression evaluation", error.Message);
    }

    [Fact]
    public void Query_past_its_deadline_times_out()
    {
        var time = new FakeTimeProvider();
        var engine = new QueryEngine(new QueryEngineOptions { Time = time, Timeout = TimeSpan.FromSeconds(10) });
        var storage = new HookedStorage(_storage, () => time.Advance(TimeSpan.FromSeconds(2)));

        Assert.Equal(10, ((VectorValue)engine.Instant(storage, "requests", 0, QueryOptions.Default, default).Value).Samples.Count);
        var error = Assert.Throws<QueryTimeoutException>(
            () => engine.Instant(storage, "requests", 0, new QueryOptions { Timeout = TimeSpan.FromSeconds(1) }, default));
        Assert.Equal("query timed out in expression evaluation", error.Message);
    }

    [Fact]
    public void Limit_cuts_series_and_says_so()
    {
        var result = Engine().Instant(_storage, "requests", 500_000, new QueryOptions { Limit = 3 }, default);

        Assert.Equal(3, ((VectorValue)result.Value).Samples.Count);
        Assert.Equal(["results truncated due to limit"], result.Warnings);
    }

    [Fact]
    public void Lookback_of_the_query_replaces_the_engines()
    {
        var engine = Engine();

        Assert.Equal(10, Vector(engine, "requests", 1_100_000).Samples.Count);
        var narrow = engine.Instant(_storage, "requests", 1_100_000, new QueryOptions { LookbackMs = 60_000 }, default);
        Assert.Empty(((VectorValue)narrow.Value).Samples);
    }

    [Fact]
    public void Remarks_carry_line_and_column()
    {
        var result = Engine().Instant(_storage, "quantile(2,\n rate(requests[5m]))", 500_000, QueryOptions.Default, default);

        Assert.Equal(["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"], result.Warnings);
        Assert.Equal(
            ["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"requests\" (2:7)"], result.Infos);
    }

    [Fact]
    public void More_than_ten_remarks_are_summed_up()
    {
        var storage = new MemoryStorage();
        for (var i = 0; i < 13; i++)
        {
            storage.Add(LabelSet.Of(("__name__", $"gauge{i}"), ("n", i.ToString())), 0, 1);
            storage.Add(LabelSet.Of(("__name__", $"gauge{i}"), ("n", i.ToString())), 1000, 2);
        }

        var infos = Engine().Instant(storage, "rate({n=~\".+\"}[5m])", 2000, QueryOptions.Default, default).Infos;

        Assert.Equal(11, infos.Count);
        Assert.Equal("3 more info annotations omitted", infos[^1]);
    }

    [Fact]
    public void Windows_over_samples_allocate_nothing()
    {
        var engine = Engine();

        // 5000 windows of 6 samples each: what remains are the arrays of the result and of the sums.
        AllocationAssert.AtMost(
            300_000, () => engine.Range(_storage, "sum(rate(requests{n=\"1\"}[1m]))", 0, 999_800, 200, QueryOptions.Default, default));
    }

    // Of a thousand series of 100 steps, 850 kB: what is held is what is chosen, matched with or summed up.
    [Theory]
    [InlineData("topk(2, wide)")]
    [InlineData("bottomk(2, wide)")]
    [InlineData("limitk(2, wide)")]
    [InlineData("count(wide and on() one)")]
    [InlineData("count(one and on() wide)")]
    [InlineData("count(wide unless on() one)")]
    [InlineData("count(topk(1, wide) * on(n) group_left wide) or vector(1)", true)]
    public void What_does_not_matter_any_more_is_not_held(string query, bool holdsOneSide = false)
    {
        var storage = new MemoryStorage();
        for (var series = 0; series < 1000; series++)
        {
            for (var i = 0; i < 100; i++)
            {
                storage.Add(LabelSet.Of(("__name__", "wide"), ("n", $"{series}")), i * 10_000, (series * 7 % 1000) + i);
            }
        }

        for (var i = 0; i < 100; i++)
        {
            storage.Add(LabelSet.Of(("__name__", "one"), ("n", "x")), i * 10_000, 1);
        }

        var memory = new QueryMemory(long.MaxValue, "");
        var engine = new QueryEngine(new QueryEngineOptions { Features = EngineFeatures.ExperimentalFunctions });
        engine.Range(storage, query, 0, 990_000, 10_000, QueryOptions.Default with { Memory = memory }, default);
        Assert.InRange(memory.Peak, 1, holdsOneSide ? 1_200_000 : 200_000);
    }

    [Fact]
    public void Best_series_change_from_step_to_step()
    {
        var storage = new MemoryStorage();
        for (var series = 0; series < 20; series++)
        {
            for (var i = 0; i < 20; i++)
            {
                storage.Add(LabelSet.Of(("__name__", "m"), ("n", $"{series}")), i * 1000, i == series ? 100 : series);
            }
        }

        var matrix = Assert.IsType<MatrixValue>(Engine().Range(storage, "topk(1, m)", 0, 19_000, 1000, QueryOptions.Default, default).Value);
        Assert.Equal(20, matrix.Series.Count);
        Assert.All(matrix.Series, s => Assert.Equal(100, Assert.Single(s.Floats)));
    }

    [Fact]
    public void Duplicates_on_the_one_side_are_an_error_only_where_the_other_side_has_something()
    {
        var storage = new MemoryStorage();
        storage.Add(LabelSet.Of(("__name__", "one"), ("n", "1")), 0, 1);
        storage.Add(LabelSet.Of(("__name__", "one"), ("n", "2")), 0, 1);
        storage.Add(LabelSet.Of(("__name__", "one"), ("n", "1")), 1_000_000, 5);
        storage.Add(LabelSet.Of(("__name__", "many"), ("n", "1"), ("m", "1")), 1_000_000, 2);
        storage.Add(LabelSet.Of(("__name__", "late"), ("m", "2")), 0, 2);
        var result = Assert.IsType<MatrixValue>(
            Engine().Range(storage, "many * on() group_left one", 0, 1_000_000, 500_000, QueryOptions.Default, default).Value);
        Assert.Equal([10.0], Assert.Single(result.Series).Floats);
        var error = Assert.Throws<QueryExecutionException>(
            () => Engine().Range(storage, "late * on() group_left one", 0, 1_000_000, 500_000, QueryOptions.Default, default));
        Assert.StartsWith("found duplicate series for the match group {} on the right hand-side of the operation", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Long_chains_of_operators_are_evaluated()
    {
        var query = string.Join(" or ", Enumerable.Range(0, 900).Select(i => $"requests{{n=\"{i % 10}\"}}"));

        Assert.Equal(10, Vector(Engine(), query, 0).Samples.Count);
    }

    [Fact]
    public void Names_dropped_at_once_make_duplicates_an_error()
    {
        _storage.Add(LabelSet.Of(("__name__", "other"), ("n", "1")), 0, 1);

        Assert.Throws<QueryExecutionException>(() => Vector(Engine(), "-{n=\"1\"}", 0));
        Assert.Throws<QueryExecutionException>(() => Vector(Engine(), "abs({n=\"1\"})", 0));
        Assert.Throws<QueryExecutionException>(() => Vector(Engine(), "label_replace({n=\"1\"} * 1, \"x\", \"$1\", \"__name__\", \"(.*)\")", 0));
    }

    [Fact]
    public void Results_do_not_depend_on_how_many_steps_there_are()
    {
        string[] queries =
        [
            "requests", "rate(requests[1m])", "sum by (n) (requests) > 100", "topk(2, requests)", "avg_over_time(requests[2m:20s])",
            "requests{n=\"3\"} or requests offset 1m", "quantile(0.7, requests)", "count_values(\"v\", requests % 3)",
        ];
        foreach (var query in queries)
        {
            var range = (MatrixValue)Engine().Range(_storage, query, 0, 1_500_000, 7_000, QueryOptions.Default, default).Value;
            for (var time = 0L; time <= 1_500_000; time += 49_000)
            {
                var instant = Vector(Engine(), query, time).Samples.ToDictionary(s => s.Labels, s => s.Value);
                var step = range.Series
                    .Where(s => Array.IndexOf(s.FloatTimestampsMs, time) >= 0)
                    .ToDictionary(s => s.Labels, s => s.Floats[Array.IndexOf(s.FloatTimestampsMs, time)]);
                Assert.Equal(instant, step);
            }
        }
    }

    [Fact]
    public void Duplicates_on_one_side_do_no_harm_at_steps_at_which_the_other_side_is_empty()
    {
        _storage.Add(LabelSet.Of(("__name__", "late")), 2_000_000, 1);

        var range = (MatrixValue)Engine().Range(_storage, "late + on () requests", 0, 1_000_000, 100_000, QueryOptions.Default, default).Value;
        Assert.Empty(range.Series);
        Assert.Empty(Vector(Engine(), "requests{n=\"none\"} * on () group_left () requests", 0).Samples);
        _storage.Add(LabelSet.Of(("__name__", "late")), 900_000, 1);
        Assert.Throws<QueryExecutionException>(
            () => Engine().Range(_storage, "late + on () requests", 0, 1_000_000, 100_000, QueryOptions.Default, default));
    }

    [Fact]
    public void Negated_series_may_not_become_one_even_at_different_steps()
    {
        _storage.Add(LabelSet.Of(("__name__", "requests_later"), ("n", "1")), 2_000_000, 1);

        var error = Assert.Throws<QueryExecutionException>(
            () => Engine().Range(_storage, "-{n=\"1\"}", 0, 2_000_000, 100_000, QueryOptions.Default, default));
        Assert.Equal("vector cannot contain metrics with the same labelset", error.Message);
    }

    private static QueryEngine Engine() => new(new QueryEngineOptions());

    private VectorValue Vector(QueryEngine engine, string query, long timeMs) =>
        (VectorValue)engine.Instant(_storage, query, timeMs, QueryOptions.Default, default).Value;

}

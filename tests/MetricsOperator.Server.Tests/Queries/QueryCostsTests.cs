using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Queries;
using MetricsOperator.TestKit;

namespace MetricsOperator.Server.Tests.Queries;

public sealed class QueryCostsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Evaluations_of_one_form_add_up()
    {
        var costs = new QueryCosts(10, _time);
        Add(costs, "a > 1", new QueryCost(500, 100, TimeSpan.FromSeconds(2), Failed: false));
        Add(costs, "a > 2", new QueryCost(300, 0, TimeSpan.FromSeconds(1), Failed: true));
        var form = Assert.Single(costs.Heaviest(10));
        Assert.Equal("a > 2", form.Query);
        Assert.Equal((2L, 1L, 500L, 100L, 100L), (form.Count, form.Failures, form.PeakBytes, form.Samples, form.MaxSamples));
        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(2), _time.GetUtcNow()), (form.Duration, form.MaxDuration, form.Last));
    }

    [Fact]
    public void The_form_asked_longest_ago_is_forgotten()
    {
        var costs = new QueryCosts(2, _time);
        Add(costs, "a", new QueryCost(1000, 1, TimeSpan.Zero, Failed: false));
        Add(costs, "b", new QueryCost(1, 1, TimeSpan.Zero, Failed: false));
        Add(costs, "a", new QueryCost(1, 1, TimeSpan.Zero, Failed: false));
        Add(costs, "c", new QueryCost(2, 1, TimeSpan.Zero, Failed: false));
        Assert.Equal(["a", "c"], costs.Heaviest(10).Select(f => f.Query));
        Assert.Equal(["a"], costs.Heaviest(1).Select(f => f.Query));
        Assert.Equal((2, 1L), (costs.Count, costs.Forgotten));
    }

    private static void Add(QueryCosts costs, string query, QueryCost cost) => costs.Add(QueryForm.Of(PromQLParser.Parse(query)), query, cost);
}

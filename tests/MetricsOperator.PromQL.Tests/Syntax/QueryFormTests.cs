using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Tests.Syntax;

public sealed class QueryFormTests
{
    [Theory]
    [InlineData("sum(rate(a[5m])) > 0.5", "sum( rate(a[1h]) ) > 100")]
    [InlineData("a{x='1',y='2'}", "a{y=\"2\", x=\"1\"}")]
    [InlineData("a offset 5m", "a")]
    [InlineData("a @ 1000", "a @ end()")]
    [InlineData("topk(5, a)", "topk(10, (a))")]
    [InlineData("sum by (x, y) (a)", "sum(a) by (y, x)")]
    [InlineData("max_over_time(a[1d:5m])", "max_over_time(a[7d:1m])")]
    [InlineData("a * -1", "a * 2")]
    [InlineData("{__name__=\"a\"}", "a")]
    [InlineData("label_replace(a, 'x', '$1', 'y', '(.*)')", "label_replace(a, 'x', '$2', 'y', '(.+)')")]
    public void Times_numbers_and_spelling_do_not_matter(string one, string other) => Assert.Equal(Form(one).Text, Form(other).Text);

    [Theory]
    [InlineData("a", "b")]
    [InlineData("a{x='1'}", "a{x='2'}")]
    [InlineData("a{x='1'}", "a{x!='1'}")]
    [InlineData("a", "-a")]
    [InlineData("sum by (x) (a)", "sum by (y) (a)")]
    [InlineData("sum by (x) (a)", "sum without (x) (a)")]
    [InlineData("rate(a[5m])", "increase(a[5m])")]
    [InlineData("a + b", "b + a")]
    [InlineData("a + on (x) b", "a + ignoring (x) b")]
    [InlineData("a * on (x) group_left b", "a * on (x) group_right b")]
    [InlineData("a > b", "a > bool b")]
    public void What_is_read_and_done_matters(string one, string other) => Assert.NotEqual(Form(one).Fingerprint, Form(other).Fingerprint);

    [Fact]
    public void Fingerprints_are_the_same_in_every_version()
    {
        Assert.Equal("(sum by(\"x\")(rate({__name__=\"a\",x=~\".+\"}[])) > #)", Form("sum by (x) (rate(a{x=~'.+'}[5m])) > 1").Text);
        var text = QueryForm.Format(Form("up").Fingerprint);
        Assert.True(QueryForm.TryParse(text, out var back));
        Assert.Equal(Form("up").Fingerprint, back);
        Assert.False(QueryForm.TryParse("12", out _));
        Assert.False(QueryForm.TryParse("000000000000000g", out _));
    }

    [Theory]
    [InlineData("a", 0)]
    [InlineData("rate(a[5m]) + b", 300_000)]
    [InlineData("max_over_time(rate(a[5m])[1h:1m])", 3_900_000)]
    public void Reach_is_that_of_the_longest_ranges(string query, long ms) => Assert.Equal(ms, Form(query).ReachMs);

    private static QueryForm Form(string query) => QueryForm.Of(PromQLParser.Parse(query));
}

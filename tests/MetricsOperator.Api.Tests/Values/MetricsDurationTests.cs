using MetricsOperator.Api.Values;

namespace MetricsOperator.Api.Tests.Values;

public sealed class MetricsDurationTests
{
    [Fact]
    public void Durations_read_as_prometheus_reads_them()
    {
        void Check(string? text, double? seconds) => Assert.Equal(seconds, MetricsDuration.TryParse(text, out var d) ? d.TotalSeconds : null);
        Check("15s", 15);
        Check("1m30s", 90);
        Check("1h", 3600);
        Check("500ms", 0.5);
        Check("1d", 86_400);
        Check("1w", 604_800);
        Check("1y", 31_536_000);
        Check("0", 0);
        Check("0s", 0);
        Check("", null);
        Check(null, null);
        Check("15", null);
        Check("s", null);
        Check("1s1m", null);
        Check("1s1s", null);
        Check("-1s", null);
        Check("1.5s", null);
        Check("99999999999y", null);
        Check("99999999999999999999s", null);
    }

    [Fact]
    public void Format_gives_the_shortest_text_that_reads_back()
    {
        foreach (var text in new[] { "15s", "1m30s", "1h", "500ms", "1h0m1s".Replace("0m", ""), "24h", "0s" })
        {
            Assert.Equal(text, MetricsDuration.Format(MetricsDuration.Parse(text)));
        }
    }
}

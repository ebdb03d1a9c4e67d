using System.Buffers;
using System.Text;
using MetricsOperator.Cli.Exporter;
using MetricsOperator.TestKit;

namespace MetricsOperator.Cli.Tests.Exporter;

public sealed class SyntheticTargetTests
{
    [Fact]
    public void Sessions_begin_at_the_given_rate_and_disappear_after_their_lifetime()
    {
        var time = new FakeTimeProvider();
        var target = new SyntheticTarget(new SyntheticTargetOptions("crime", 5, 100, TimeSpan.FromSeconds(2)), time);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(100, Sessions(target).Count);
        time.Advance(TimeSpan.FromSeconds(9));
        var late = Sessions(target);
        Assert.Equal(200, late.Count);
        Assert.Contains($"session=\"{800:x16}\"", late[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Stable_series_are_as_many_as_asked_for_and_rise()
    {
        var time = new FakeTimeProvider();
        var target = new SyntheticTarget(new SyntheticTargetOptions("crime", 5, 0, TimeSpan.FromSeconds(2)), time);
        time.Advance(TimeSpan.FromSeconds(10));
        var lines = Text(target).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith('#')).ToList();
        Assert.Equal(5, lines.Count);
        Assert.Contains("crime_up 1", lines);
        Assert.Contains("crime_requests_total{handler=\"/api/v1/handler-1\",method=\"GET\"} 101", lines);
    }

    private static List<string> Sessions(SyntheticTarget target) =>
        [.. Text(target).Split('\n').Where(l => l.StartsWith("crime_session_bytes_total{", StringComparison.Ordinal))];

    private static string Text(SyntheticTarget target)
    {
        var buffer = new ArrayBufferWriter<byte>();
        target.WriteTo(buffer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

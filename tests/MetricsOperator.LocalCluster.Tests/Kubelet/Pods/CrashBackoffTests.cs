using MetricsOperator.LocalCluster.Kubelet.Pods;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Pods;

public sealed class CrashBackoffTests
{
    [Fact]
    public void RecordEnd_again_and_again_gives_zero_then_doubles_to_five_minutes()
    {
        var backoff = new CrashBackoff(1);
        var waits = new List<double>();
        for (var i = 0; i < 9; i++)
        {
            backoff.RecordEnd(TimeSpan.FromSeconds(1));
            waits.Add(backoff.Actual.TotalSeconds);
        }

        Assert.Equal([0, 10, 20, 40, 80, 160, 300, 300, 300], waits);
    }

    [Fact]
    public void RecordEnd_after_ten_minutes_of_running_starts_over()
    {
        var backoff = new CrashBackoff(1);
        backoff.RecordEnd(TimeSpan.FromSeconds(1));
        backoff.RecordEnd(TimeSpan.FromSeconds(1));

        backoff.RecordEnd(TimeSpan.FromMinutes(10));

        Assert.Equal(TimeSpan.Zero, backoff.Actual);
    }

    [Fact]
    public void Actual_with_a_scale_shortens_the_wait_but_not_the_nominal_one()
    {
        var backoff = new CrashBackoff(0.01);
        backoff.RecordEnd(TimeSpan.Zero);
        backoff.RecordEnd(TimeSpan.Zero);

        Assert.Equal(TimeSpan.FromSeconds(10), backoff.Nominal);
        Assert.Equal(TimeSpan.FromMilliseconds(100), backoff.Actual);
    }
}

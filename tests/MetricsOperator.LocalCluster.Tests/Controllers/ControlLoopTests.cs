using MetricsOperator.LocalCluster.Controllers;
using MetricsOperator.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.LocalCluster.Tests.Controllers;

public sealed class ControlLoopTests
{
    private static readonly QueueKey Key = new("ns", "name");

    [Fact]
    public async Task Dispose_during_a_pass_ends_the_loop_although_the_key_wants_to_come_back()
    {
        var passes = 0;
        using var stopping = new ManualResetEventSlim();
        var loop = new ControlLoop(
            "test",
            _ =>
            {
                // Without end this would keep a core busy for ever, also after the test.
                var pass = Interlocked.Increment(ref passes);
                stopping.Wait(TimeSpan.FromSeconds(10));
                return pass < 1000 ? TimeSpan.FromHours(1) : null;
            },
            TimeProvider.System,
            NullLogger.Instance);
        loop.Start();
        loop.Enqueue(Key);
        await Eventually.True(() => Volatile.Read(ref passes) == 1, "first pass");

        var disposed = loop.DisposeAsync();
        stopping.Set();
        await disposed;

        Assert.Equal(1, passes);
    }

    [Fact]
    public async Task A_key_that_fails_comes_back_after_a_pause()
    {
        var passes = 0;
        await using var loop = new ControlLoop("test", _ => Interlocked.Increment(ref passes) == 1 ? throw new InvalidOperationException("once") : null, TimeProvider.System, NullLogger.Instance);
        loop.Start();
        loop.Enqueue(Key);

        await Eventually.True(() => Volatile.Read(ref passes) == 2, "second pass");
    }
}

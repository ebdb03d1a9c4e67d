using System.Threading.Channels;
using MetricsOperator.LocalCluster.Store;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>
/// A level-triggered loop: keys go in, each waits in the queue at most once, one at a time is reconciled against the present state. A key that
/// fails comes back after a growing pause.
/// </summary>
internal sealed class ControlLoop(string name, Func<QueueKey, TimeSpan?> reconcile, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private readonly Channel<QueueKey> _queue = Channel.CreateUnbounded<QueueKey>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HashSet<QueueKey> _waiting = [];
    private readonly Dictionary<QueueKey, int> _failures = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public void Start() => _loop = RunAsync(_stop.Token);

    public void Enqueue(QueueKey key)
    {
        lock (_waiting)
        {
            if (_waiting.Add(key))
            {
                _queue.Writer.TryWrite(key);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        await Task.Yield();
        await foreach (var key in _queue.Reader.ReadAllAsync(stop))
        {
            // Taken out before the work: a change during the work brings the key back.
            lock (_waiting)
            {
                _waiting.Remove(key);
            }

            if (Reconcile(key) is { } again)
            {
                _ = EnqueueLaterAsync(key, again, stop);
            }
        }
    }

    private TimeSpan? Reconcile(QueueKey key)
    {
        try
        {
            var again = reconcile(key);
            _failures.Remove(key);
            return again;
        }
        catch (ApiStatusException e)
        {
            var pause = Pause(key);
            logger.Log(e.IsConflict ? LogLevel.Debug : LogLevel.Information, "{Controller} looks at {Key} again in {Pause}: {Message}", name, key, pause, e.Message);
            return pause;
        }
#pragma warning disable CA1031 // The loop must survive any fault of one pass; the pause grows and the fault is in the log.
        catch (Exception e)
#pragma warning restore CA1031
        {
            var pause = Pause(key);
            logger.LogError(e, "{Controller} cannot reconcile {Key}; again in {Pause}", name, key, pause);
            return pause;
        }
    }

    private TimeSpan Pause(QueueKey key)
    {
        var failures = _failures.GetValueOrDefault(key);
        _failures[key] = failures + 1;
        return TimeSpan.FromTicks(Math.Min(FirstRetry.Ticks << Math.Min(failures, 20), LongestRetry.Ticks));
    }

    private async Task EnqueueLaterAsync(QueueKey key, TimeSpan pause, CancellationToken stop)
    {
        await Task.Delay(pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // A cancelled delay ends at once; coming back then would keep the stopping loop busy for ever.
        if (!stop.IsCancellationRequested)
        {
            Enqueue(key);
        }
    }
}

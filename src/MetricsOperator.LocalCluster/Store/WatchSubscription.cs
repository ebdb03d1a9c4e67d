using System.Threading.Channels;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>Receives every change of one resource in order, from the revision it was opened at.</summary>
internal sealed class WatchSubscription : IDisposable
{
    private const int MaxBehind = 16384;
    private readonly Channel<StoreEvent> _events = Channel.CreateUnbounded<StoreEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly Action<WatchSubscription> _unsubscribe;
    private int _waiting;

    public WatchSubscription(Action<WatchSubscription> unsubscribe) => _unsubscribe = unsubscribe;

    /// <summary>Completes with an error when the reader falls too far behind; it has to list again.</summary>
    public ChannelReader<StoreEvent> Events => _events.Reader;

    /// <summary>Called by the reader for each event taken.</summary>
    public void Taken() => Interlocked.Decrement(ref _waiting);

    public void Publish(StoreEvent change)
    {
        if (Interlocked.Increment(ref _waiting) > MaxBehind)
        {
            _events.Writer.TryComplete(ApiErrors.Expired($"the watch is {MaxBehind} events behind"));
            return;
        }

        _events.Writer.TryWrite(change);
    }

    public void Dispose()
    {
        _unsubscribe(this);
        _events.Writer.TryComplete();
    }
}

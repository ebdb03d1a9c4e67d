namespace MetricsOperator.KubeClient.Resources;

/// <summary>Lets <paramref name="burst"/> requests go at once and <paramref name="qps"/> per second in the long run; the others wait in order of arrival.</summary>
internal sealed class TokenBucket(double qps, int burst, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _tokens = burst;
    private long _refilledAt = time.GetTimestamp();

    /// <summary>Takes one token; completes when it is there. Returns the time waited.</summary>
    public async ValueTask<TimeSpan> TakeAsync(CancellationToken cancellation)
    {
        if (qps <= 0)
        {
            return TimeSpan.Zero;
        }

        var wait = Reserve();
        if (wait <= TimeSpan.Zero)
        {
            return TimeSpan.Zero;
        }

        try
        {
            await Task.Delay(wait, time, cancellation).ConfigureAwait(false);
            return wait;
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                _tokens += 1;
            }

            throw;
        }
    }

    private TimeSpan Reserve()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _tokens = Math.Min(burst, _tokens + (time.GetElapsedTime(_refilledAt, now).TotalSeconds * qps));
            _refilledAt = now;
            _tokens -= 1;
            return _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / qps);
        }
    }
}

namespace MetricsOperator.Server.Hosting;

/// <summary>
/// How fast a counter grew over the last minute. Scrapes come in bursts every few seconds, so a shorter look would mostly see nothing.
/// </summary>
internal sealed class RateWindow(TimeProvider time)
{
    private static readonly TimeSpan Length = TimeSpan.FromMinutes(1);

    private readonly Queue<(long Timestamp, long Value)> _points = new();

    /// <summary>Takes the counter's value of now and returns the growth per second since the oldest value of the window; 0 for the first.</summary>
    public double Observe(long value)
    {
        var now = time.GetTimestamp();
        while (_points.Count > 1 && time.GetElapsedTime(_points.Peek().Timestamp, now) > Length)
        {
            _points.Dequeue();
        }

        _points.Enqueue((now, value));
        var oldest = _points.Peek();
        var seconds = time.GetElapsedTime(oldest.Timestamp, now).TotalSeconds;
        return seconds > 0 ? (value - oldest.Value) / seconds : 0;
    }
}

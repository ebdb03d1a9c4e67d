using System.Net;

namespace MetricsOperator.EndToEnd.Tests.Worlds;

/// <summary>
/// Asks a server again and again whether it is ready, as its users would see it, and remembers when it was not. A server that dies again before it has
/// lived for ten seconds was not back: that is one outage.
/// </summary>
internal sealed class ReadinessWatch : IAsyncDisposable
{
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(10);

    private readonly List<(DateTimeOffset From, DateTimeOffset To)> _outages = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watching;

    /// <summary>Starts asking; the time before the first answer 200 is no outage.</summary>
    public ReadinessWatch(Uri ready) => _watching = WatchAsync(ready, _stop.Token);

    /// <summary>Stops asking and returns the times between the last answer 200 and the next one.</summary>
    public async Task<IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)>> StopAsync()
    {
        await _stop.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _outages;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task WatchAsync(Uri ready, CancellationToken stop)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        DateTimeOffset? lastReady = null;
        var missed = false;
        while (true)
        {
            if (await IsReadyAsync(http, ready, stop))
            {
                var now = TimeProvider.System.GetUtcNow();
                if (missed && lastReady is { } from)
                {
                    Add(from, now);
                }

                (lastReady, missed) = (now, false);
            }
            else
            {
                missed = true;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), stop);
        }
    }

    private void Add(DateTimeOffset from, DateTimeOffset to)
    {
        if (_outages.Count > 0 && from - _outages[^1].To < ShortestLife)
        {
            _outages[^1] = (_outages[^1].From, to);
        }
        else
        {
            _outages.Add((from, to));
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, Uri ready, CancellationToken stop)
    {
        try
        {
            using var answer = await http.GetAsync(ready, stop);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !stop.IsCancellationRequested))
        {
            return false;
        }
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>Sends batches of samples by remote write and remembers which of them were acknowledged, and when.</summary>
internal sealed class RemoteWriteLoad(HttpClient http, int seriesPerBatch)
{
    private long _lastTimestampMs;

    /// <summary>Acknowledged batches: sample timestamp to the time the answer came.</summary>
    public ConcurrentDictionary<long, DateTimeOffset> Acknowledged { get; } = new();

    /// <summary>Sends batch after batch until cancelled or the server is gone; a batch that is on its way is waited for, so that it is known what became of it.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            _lastTimestampMs = Math.Max(_lastTimestampMs + 1, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            try
            {
                await http.WriteAsync(Batch(_lastTimestampMs));
            }
            catch (HttpRequestException)
            {
                // The server was killed: this batch is not acknowledged.
                return;
            }

            Acknowledged[_lastTimestampMs] = TimeProvider.System.GetUtcNow();
        }
    }

    private WriteRequestWriter Batch(long timestampMs)
    {
        var writer = new WriteRequestWriter();
        for (var i = 0; i < seriesPerBatch; i++)
        {
            var labels = LabelSet.Of(("__name__", "kill_test"), ("series", i.ToString(CultureInfo.InvariantCulture)));
            writer.StartSeries(labels);
            writer.Sample(timestampMs, timestampMs + i);
        }

        return writer;
    }
}

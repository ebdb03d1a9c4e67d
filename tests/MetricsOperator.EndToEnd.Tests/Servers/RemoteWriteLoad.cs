using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
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
            using var body = new ByteArrayContent(Batch(_lastTimestampMs));
            body.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
            body.Headers.ContentEncoding.Add("snappy");
            try
            {
                using var answer = await http.PostAsync("api/v1/write", body, CancellationToken.None);
                Assert.True(answer.IsSuccessStatusCode, $"remote write: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(CancellationToken.None)}");
            }
            catch (HttpRequestException)
            {
                // The server was killed: this batch is not acknowledged.
                return;
            }

            Acknowledged[_lastTimestampMs] = TimeProvider.System.GetUtcNow();
        }
    }

    private byte[] Batch(long timestampMs)
    {
        var writer = new WriteRequestWriter();
        for (var i = 0; i < seriesPerBatch; i++)
        {
            var labels = LabelSet.Of(("__name__", "kill_test"), ("series", i.ToString(CultureInfo.InvariantCulture)));
            writer.StartSeries(labels);
            writer.Sample(timestampMs, timestampMs + i);
        }

        return SnappyBlock.Encode(writer.ToArray());
    }
}

using System.Collections.Concurrent;
using System.Text;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Scraping;

/// <summary>A real HTTP target whose answer a test changes while it is scraped.</summary>
internal sealed class TestTarget : IAsyncDisposable
{
    private readonly HttpListener _http;

    private TestTarget() => _http = new HttpListener(ServerFlags.Parse("--web.listen-address=127.0.0.1:0"), AnswerAsync, NullLoggerFactory.Instance);

    /// <summary>Body of the answer.</summary>
    public volatile string Body = "a 1\n";

    public volatile string ContentType = "text/plain; version=0.0.4";

    public volatile int Status = 200;

    public volatile bool Gzip;

    public volatile int DelayMs;

    /// <summary>Headers of all requests so far.</summary>
    public ConcurrentQueue<IReadOnlyDictionary<string, string>> Requests { get; } = [];

    /// <summary><c>host:port</c>.</summary>
    public string Address => _http.Addresses[0].Authority;

    public static async Task<TestTarget> StartAsync()
    {
        var target = new TestTarget();
        await target._http.StartAsync(CancellationToken.None);
        return target;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _http.StopAsync(now.Token);
        await _http.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Requests.Enqueue(context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase));
        if (DelayMs > 0)
        {
            await Task.Delay(DelayMs, context.RequestAborted);
        }

        context.Response.StatusCode = Status;
        if (ContentType.Length > 0)
        {
            context.Response.ContentType = ContentType;
        }

        var body = Encoding.UTF8.GetBytes(Body);
        if (Gzip)
        {
            context.Response.Headers.ContentEncoding = "gzip";
            await using var gzip = new System.IO.Compression.GZipStream(context.Response.Body, System.IO.Compression.CompressionLevel.Fastest);
            await gzip.WriteAsync(body);
        }
        else
        {
            await context.Response.Body.WriteAsync(body);
        }
    }
}

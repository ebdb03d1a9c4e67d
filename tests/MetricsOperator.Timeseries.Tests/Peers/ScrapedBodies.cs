using System.Net;

namespace MetricsOperator.Timeseries.Tests.Peers;

/// <summary>A web server on loopback with one scrape body per path: <c>/0</c>, <c>/1</c>, ...</summary>
internal sealed class ScrapedBodies : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly IReadOnlyList<(string ContentType, byte[] Body)> _bodies;
    private readonly Task _loop;

    public ScrapedBodies(IReadOnlyList<(string ContentType, byte[] Body)> bodies)
    {
        _bodies = bodies;
        Address = $"127.0.0.1:{PrometheusPeer.FreePort()}";
        _listener.Prefixes.Add($"http://{Address}/");
        _listener.Start();
        _loop = ServeAsync();
    }

    public string Address { get; }

    /// <summary>A configuration that scrapes every body; the label <c>case</c> is its number.</summary>
    public string Configuration()
    {
        var targets = _bodies.Select((_, i) => $"  - targets: ['{Address}']\n    labels: {{__metrics_path__: '/{i}', case: '{i}'}}\n");
        return "scrape_configs:\n- job_name: bodies\n  scrape_interval: 3s\n  scrape_timeout: 3s\n  static_configs:\n" + string.Concat(targets);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _loop;
        _listener.Close();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            try
            {
                await AnswerAsync(context);
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException)
            {
                // Who asked has gone, or the server stops under the request; a body that nobody gets to read shows as up == 0.
                context.Response.Abort();
            }
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var (contentType, body) = _bodies[int.Parse(context.Request.Url!.AbsolutePath[1..])];
        context.Response.ContentType = contentType;
        context.Response.ContentLength64 = body.Length;
        await context.Response.OutputStream.WriteAsync(body);
        context.Response.Close();
    }
}

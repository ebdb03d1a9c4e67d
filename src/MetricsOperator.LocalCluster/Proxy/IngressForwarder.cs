using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace MetricsOperator.LocalCluster.Proxy;

/// <summary>Passes one HTTP request on to an endpoint and its answer back, streaming both ways.</summary>
internal sealed class IngressForwarder : IDisposable
{
    private static readonly HashSet<string> HopHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    };

    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
    });

    private uint _next;

    /// <summary>Forwards to one of the endpoints; one that cannot be connected to is passed over. Answers 502 when none can.</summary>
    public async Task ForwardAsync(HttpContext context, IReadOnlyList<IPEndPoint> endpoints)
    {
        var problem = string.Empty;
        for (var attempt = 0; attempt < endpoints.Count; attempt++)
        {
            var endpoint = endpoints[(int)(Interlocked.Increment(ref _next) % (uint)endpoints.Count)];
            using var request = Request(context.Request, endpoint);
            try
            {
                using var response = await _client.SendAsync(request, context.RequestAborted);
                await AnswerAsync(context, response);
                return;
            }
            catch (HttpRequestException e) when (!context.Response.HasStarted)
            {
                problem = $"{endpoint}: {e.Message}";

                // Only a connection that never came about may be tried elsewhere; a request must not run twice.
                if (e.InnerException is not SocketException)
                {
                    break;
                }
            }
        }

        context.Response.StatusCode = StatusCodes.Status502BadGateway;
        await context.Response.WriteAsync($"cannot reach the service: {problem}\n", context.RequestAborted);
    }

    public void Dispose() => _client.Dispose();

    private static HttpRequestMessage Request(HttpRequest incoming, IPEndPoint endpoint)
    {
        var target = new Uri($"http://{endpoint}{incoming.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget}");
        var request = new HttpRequestMessage(new HttpMethod(incoming.Method), target);
        if (incoming.ContentLength > 0 || incoming.Headers.TransferEncoding.Count > 0)
        {
            request.Content = new StreamContent(incoming.Body);
        }

        foreach (var (name, values) in incoming.Headers)
        {
            if (!HopHeaders.Contains(name) && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        request.Headers.TryAddWithoutValidation("X-Forwarded-For", incoming.HttpContext.Connection.RemoteIpAddress?.ToString());
        request.Headers.TryAddWithoutValidation("X-Forwarded-Host", incoming.Host.Value);
        request.Headers.TryAddWithoutValidation("X-Forwarded-Proto", incoming.Scheme);
        return request;
    }

    private static async Task AnswerAsync(HttpContext context, HttpResponseMessage response)
    {
        context.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.Concat(response.Content.Headers))
        {
            if (!HopHeaders.Contains(name))
            {
                context.Response.Headers[name] = values.ToArray();
            }
        }

        await using var body = await response.Content.ReadAsStreamAsync(context.RequestAborted);
        var buffer = new byte[32 << 10];
        for (int read; (read = await body.ReadAsync(buffer, context.RequestAborted)) > 0;)
        {
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }
}

using System.Net;
using System.Text;
using System.Text.Json;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Diagnostics;
using MetricsOperator.KubeClient.Models;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>Sends requests: fence, rate limit, time limit per attempt, retries, metrics, and failures as exceptions.</summary>
internal sealed class RequestPipeline(KubeConnection connection, KubeRestClientOptions options)
{
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(60);
    private readonly TokenBucket _limiter = new(options.Qps, options.Burst, options.Time);

    /// <summary>Sends and reads the whole answer.</summary>
    /// <exception cref="KubeApiException">The server refused.</exception>
    /// <exception cref="TimeoutException">No complete answer within the limit.</exception>
    /// <exception cref="HttpRequestException">The server could not be reached.</exception>
    public async Task<byte[]> SendAsync(KubeRequest request, CancellationToken cancellation)
    {
        for (var retry = 0; ; retry++)
        {
            TimeSpan delay;
            await ThrottleAsync(request, cancellation).ConfigureAwait(false);
            try
            {
                using var limit = new CancellationTokenSource(options.RequestTimeout, options.Time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
                try
                {
                    using var response = await AttemptAsync(request, both.Token).ConfigureAwait(false);
                    var body = await response.Content.ReadAsByteArrayAsync(both.Token).ConfigureAwait(false);
                    if (response.IsSuccessStatusCode)
                    {
                        return body;
                    }

                    var status = StatusOf(response, body);
                    if (retry >= options.MaxRetries || !MayRetry(request, response.StatusCode))
                    {
                        throw new KubeApiException(request.Describe(), status);
                    }

                    delay = RetryAfter(response, status) ?? Backoff(retry);
                }
                catch (OperationCanceledException e) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
                {
                    throw new TimeoutException($"cannot {request.Describe()}: got no answer within {options.RequestTimeout.TotalSeconds:0.###} s", e);
                }
            }
            catch (Exception e) when (e is HttpRequestException or IOException && request.IsRead && retry < options.MaxRetries && !cancellation.IsCancellationRequested)
            {
                delay = Backoff(retry);
                options.Logger.LogDebug(e, "{Request} failed, trying again", request.Describe());
            }

            await Task.Delay(delay, options.Time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Sends once and returns as soon as the headers are there; the caller reads the body and disposes.</summary>
    /// <exception cref="KubeApiException">The server refused.</exception>
    public async Task<HttpResponseMessage> OpenAsync(KubeRequest request, CancellationToken cancellation)
    {
        await ThrottleAsync(request, cancellation).ConfigureAwait(false);
        var response = await AttemptAsync(request, cancellation).ConfigureAwait(false);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            throw new KubeApiException(request.Describe(), StatusOf(response, body));
        }
    }

    private static bool MayRetry(KubeRequest request, HttpStatusCode code)
        => code == HttpStatusCode.TooManyRequests || ((int)code >= 500 && request.IsRead);

    private static TimeSpan? RetryAfter(HttpResponseMessage response, V1Status status)
    {
        var asked = response.Headers.RetryAfter?.Delta
            ?? (status.Details?.RetryAfterSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(seconds) : null);
        return asked > MaxRetryAfter ? MaxRetryAfter : asked;
    }

    private static TimeSpan Backoff(int retry)
        => TimeSpan.FromMilliseconds(Math.Min(5000, 100 * Math.Pow(2, retry)) * (1 + (Random.Shared.NextDouble() * 0.5)));

    private static V1Status StatusOf(HttpResponseMessage response, byte[] body)
    {
        try
        {
            var status = JsonSerializer.Deserialize(body, KubeJsonContext.Default.V1Status);
            if (status?.Kind == "Status")
            {
                return status with { Code = status.Code is null or 0 ? (int)response.StatusCode : status.Code };
            }
        }
        catch (JsonException)
        {
            // A proxy in between answers with a page of its own; its text becomes the message below.
        }

        var text = Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 512))).Trim();
        return new V1Status
        {
            Kind = "Status",
            Status = "Failure",
            Code = (int)response.StatusCode,
            Reason = response.ReasonPhrase is { Length: > 0 } phrase ? phrase : response.StatusCode.ToString(),
            Message = text,
        };
    }

    private async Task ThrottleAsync(KubeRequest request, CancellationToken cancellation)
    {
        var waited = await _limiter.TakeAsync(cancellation).ConfigureAwait(false);
        KubeClientMeter.RateLimiterDuration.Record(waited.TotalSeconds, Tag("verb", request.Method.Method), Tag("host", connection.Server.Authority));
    }

    private async Task<HttpResponseMessage> AttemptAsync(KubeRequest request, CancellationToken cancellation)
    {
        var host = connection.Server.Authority;
        if (!request.IsRead && options.MayWrite is { } mayWrite && !mayWrite())
        {
            throw new WriteFencedException(request.Describe());
        }

        var start = options.Time.GetTimestamp();
        var code = "<error>";
        try
        {
            var response = await connection.SendAsync(uri => request.ToMessage(uri, options.UserAgent), request.PathAndQuery, cancellation).ConfigureAwait(false);
            code = ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
            return response;
        }
        finally
        {
            KubeClientMeter.RestRequests.Add(1, Tag("code", code), Tag("method", request.Method.Method), Tag("host", host));
            KubeClientMeter.RestDuration.Record(options.Time.GetElapsedTime(start).TotalSeconds, Tag("verb", request.Method.Method), Tag("host", host));
        }
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);
}

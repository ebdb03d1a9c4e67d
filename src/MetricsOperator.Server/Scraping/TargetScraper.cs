using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Exposition;

namespace MetricsOperator.Server.Scraping;

/// <summary>The body of one scrape in a pooled buffer, or why there is none.</summary>
internal readonly struct FetchedBody(byte[]? buffer, int length, ExpositionFormat format, string? error) : IDisposable
{
    public string? Error { get; } = error;

    public ExpositionFormat Format { get; } = format;

    public ReadOnlySpan<byte> Body => buffer.AsSpan(0, length);

    public void Dispose()
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>Fetches the body of one target: one request, the whole answer into one buffer.</summary>
internal sealed class TargetScraper(HttpMessageInvoker client, Target target, ScrapeMetrics metrics, long maxBodyBytes, TimeProvider time)
{
    private const int MinBufferBytes = 16 * 1024;

    private readonly string _accept = AcceptHeader(target.Job.ScrapeProtocols);
    private readonly string _timeoutSeconds = target.Timeout.TotalSeconds.ToString("R", CultureInfo.InvariantCulture);

    // Bodies of one target are alike: the size of the last one makes growing a buffer rare.
    private int _bufferHint = MinBufferBytes;

    /// <summary>Scrapes once. Whatever goes wrong with the target is in the answer; throws only when <paramref name="stop"/> is cancelled.</summary>
    public async Task<FetchedBody> FetchAsync(CancellationToken stop)
    {
        using var deadline = new CancellationTokenSource(target.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, deadline.Token);
        try
        {
            using var request = Request();
            using var response = await client.SendAsync(request, either.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                return Failure($"server returned HTTP status {(int)response.StatusCode} {response.ReasonPhrase}");
            }

            return ChooseFormat(response.Content.Headers.ContentType?.ToString(), out var format) is { } problem
                ? Failure(problem)
                : await ReadAsync(response, format, either.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return Failure($"Get \"{target.Url}\": context deadline exceeded");
        }
        catch (HttpRequestException e)
        {
            return Failure($"Get \"{target.Url}\": {e.InnerException?.Message ?? e.Message}");
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or FormatException
            or NotSupportedException or InvalidOperationException or CryptographicException or OverflowException)
        {
            return Failure(e.Message);
        }
    }

    /// <summary>The Accept header for formats in order of preference; weights as Prometheus computes them.</summary>
    internal static string AcceptHeader(IReadOnlyList<ScrapeProtocol> protocols)
    {
        var text = new StringBuilder();
        var weight = 6;
        foreach (var protocol in protocols)
        {
            text.Append(protocol switch
            {
                ScrapeProtocol.OpenMetricsText100 => "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
                ScrapeProtocol.OpenMetricsText001 => "application/openmetrics-text;version=0.0.1",
                ScrapeProtocol.PrometheusText100 => "text/plain;version=1.0.0;escaping=allow-utf-8",
                _ => "text/plain;version=0.0.4",
            }).Append(CultureInfo.InvariantCulture, $";q=0.{weight--},");
        }

        return text.Append(CultureInfo.InvariantCulture, $"*/*;q=0.{weight}").ToString();
    }

    private static FetchedBody Failure(string error) => new(null, 0, default, error);

    private HttpRequestMessage Request()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, target.Url)
        {
            Version = target.Job.Http.EnableHttp2 && target.Url.Scheme == Uri.UriSchemeHttps ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        var headers = request.Headers;
        headers.TryAddWithoutValidation("User-Agent", "Prometheus/3.5.0 (MetricsOperator)");
        headers.TryAddWithoutValidation("Accept", _accept);
        headers.TryAddWithoutValidation("Accept-Encoding", target.Job.EnableCompression ? "gzip" : "identity");
        headers.TryAddWithoutValidation("X-Prometheus-Scrape-Timeout-Seconds", _timeoutSeconds);
        if (target.Job.Http.BasicAuth is { } basic)
        {
            var pair = $"{Secret(basic.Username, basic.UsernameFile)}:{Secret(basic.Password, basic.PasswordFile)}";
            headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
        }
        else if (target.Job.Http.Authorization is { } authorization)
        {
            headers.TryAddWithoutValidation("Authorization", $"{authorization.Type} {Secret(authorization.Credentials, authorization.CredentialsFile)}");
        }

        return request;
    }

    // Files are read for every request: whoever rotates a secret replaces the file.
    private static string Secret(string inline, string file) => file.Length == 0 ? inline : File.ReadAllText(file).Trim();

    private string? ChooseFormat(string? contentType, out ExpositionFormat format)
    {
        format = target.Job.FallbackScrapeProtocol is ScrapeProtocol.OpenMetricsText100 or ScrapeProtocol.OpenMetricsText001
            ? ExpositionFormat.OpenMetrics
            : ExpositionFormat.Text;
        var mediaType = contentType?.Split(';', 2)[0].Trim();
        if (string.Equals(mediaType, "application/openmetrics-text", StringComparison.OrdinalIgnoreCase))
        {
            format = ExpositionFormat.OpenMetrics;
            return null;
        }

        if (string.Equals(mediaType, "text/plain", StringComparison.OrdinalIgnoreCase))
        {
            format = ExpositionFormat.Text;
            return null;
        }

        if (target.Job.FallbackScrapeProtocol is not null)
        {
            return null;
        }

        return string.IsNullOrEmpty(contentType)
            ? "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
            : $"received unsupported Content-Type \"{contentType}\" and no fallback_scrape_protocol specified for target";
    }

    private async Task<FetchedBody> ReadAsync(HttpResponseMessage response, ExpositionFormat format, CancellationToken cancellation)
    {
        await using var raw = await response.Content.ReadAsStreamAsync(cancellation);
        var gzip = response.Content.Headers.ContentEncoding.Contains("gzip");
        await using var stream = gzip ? new GZipStream(raw, CompressionMode.Decompress) : raw;
        var limit = target.Job.Limits.BodySize;
        var buffer = ArrayPool<byte>.Shared.Rent(_bufferHint);
        var length = 0;
        try
        {
            while (true)
            {
                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(checked(buffer.Length * 2));
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }

                var read = await stream.ReadAsync(buffer.AsMemory(length), cancellation);
                if (read == 0)
                {
                    break;
                }

                length += read;
                if (limit > 0 && length > limit)
                {
                    metrics.BodySizeLimitHit();
                    ArrayPool<byte>.Shared.Return(buffer);
                    return Failure("body size limit exceeded");
                }

                if (maxBodyBytes > 0 && length > maxBodyBytes)
                {
                    metrics.BodySizeLimitHit();
                    ArrayPool<byte>.Shared.Return(buffer);
                    return Failure($"body is larger than the {maxBodyBytes} bytes that the memory budget allows; expose less, or raise --memory.budget");
                }
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }

        // An eighth more than the last body, so that a slowly growing one fits.
        _bufferHint = Math.Max(MinBufferBytes, length + (length / 8) + 1);
        return new FetchedBody(buffer, length, format, null);
    }
}

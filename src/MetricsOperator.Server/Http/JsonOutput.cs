using System.IO.Compression;
using System.IO.Pipelines;
using System.Text.Encodings.Web;
using System.Text.Json;
using MetricsOperator.Timeseries.Labels;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace MetricsOperator.Server.Http;

/// <summary>A JSON answer that leaves while it is written: compressed as the client takes it; a large one is never held in memory as a whole.</summary>
internal sealed class JsonOutput : IAsyncDisposable
{
    private const int FlushBytes = 64 * 1024;

    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,

        // A parsed query may be nested as deep as the parser lets it, with up to three levels of JSON for each.
        MaxDepth = 4096,
    };

    private readonly HttpContext _context;
    private readonly Stream? _compressed;
    private readonly PipeWriter _pipe;
    private long _sent;

    public JsonOutput(HttpContext context, int status)
    {
        _context = context;
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        if (Encoding(context.Request) is { } encoding)
        {
            context.Response.Headers.ContentEncoding = encoding;
            _compressed = encoding == "gzip"
                ? new GZipStream(context.Response.Body, CompressionLevel.Fastest, leaveOpen: true)
                : new ZLibStream(context.Response.Body, CompressionLevel.Fastest, leaveOpen: true);
            _pipe = PipeWriter.Create(_compressed, new StreamPipeWriterOptions(leaveOpen: true));
        }
        else
        {
            _pipe = context.Response.BodyWriter;
        }

        Writer = new Utf8JsonWriter(_pipe, Options);
    }

    public Utf8JsonWriter Writer { get; }

    /// <summary>Sends what was written if it is much, and waits for a client that reads slowly; to be called between the elements of a list.</summary>
    public ValueTask FlushIfLargeAsync()
    {
        // What the writer calls pending is what is in its present block of memory, which is a small one.
        var written = Writer.BytesCommitted + Writer.BytesPending;
        if (written - _sent < FlushBytes)
        {
            return default;
        }

        _sent = written;
        Writer.Flush();
        return SendAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_compressed is not null)
        {
            await Writer.DisposeAsync();
            await _pipe.CompleteAsync();
            await _compressed.DisposeAsync();
            return;
        }

        if (_sent == 0 && _context.Request.Method != HttpMethods.Head)
        {
            // A small answer leaves in one piece, with its length in front, when the request ends.
            _context.Response.ContentLength = Writer.BytesCommitted + Writer.BytesPending;
            Writer.Flush();
            Writer.Reset();
            return;
        }

        await Writer.DisposeAsync();
        await _pipe.FlushAsync(_context.RequestAborted);
    }

    private async ValueTask SendAsync() => await _pipe.FlushAsync(_context.RequestAborted);

    // The first that the client names wins.
    private static string? Encoding(HttpRequest request) => request.Headers.AcceptEncoding.ToString() is { Length: > 0 } accepted
        && StringWithQualityHeaderValue.TryParseList([accepted], out var list)
        ? list.Where(e => e.Quality is not 0).Select(e => e.Value.Value!.ToLowerInvariant()).FirstOrDefault(e => e is "gzip" or "deflate")
        : null;

    public static bool TakesGzip(HttpRequest request) => request.Headers.AcceptEncoding.ToString() is { Length: > 0 } accepted
        && StringWithQualityHeaderValue.TryParseList([accepted], out var list)
        && list.Any(e => e.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) && e.Quality is not 0);
}

/// <summary>What Prometheus' JSON has that the writer does not: labels, samples.</summary>
internal static class JsonWriting
{
    public static void WriteLabels(this Utf8JsonWriter json, LabelSet labels)
    {
        json.WriteStartObject();
        foreach (var label in labels)
        {
            json.WriteString(label.Name, label.Value);
        }

        json.WriteEndObject();
    }

    /// <summary>Writes a time as seconds.</summary>
    public static void WriteTimestamp(this Utf8JsonWriter json, long milliseconds)
    {
        Span<byte> text = stackalloc byte[NumberText.MaxLength];
        json.WriteRawValue(text[..NumberText.WriteTimestamp(text, milliseconds)], skipInputValidation: true);
    }

    /// <summary>Writes a sample value as a string.</summary>
    public static void WriteSampleValue(this Utf8JsonWriter json, double value)
    {
        Span<byte> text = stackalloc byte[NumberText.MaxLength];
        json.WriteStringValue(text[..NumberText.WriteValue(text, value)]);
    }

    /// <summary>Writes a time as RFC 3339 in UTC; Go's zero time for the default.</summary>
    public static void WriteTime(this Utf8JsonWriter json, string name, DateTimeOffset time) =>
        json.WriteString(name, time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", System.Globalization.CultureInfo.InvariantCulture));

    public static void WriteStrings(this Utf8JsonWriter json, IEnumerable<string> values)
    {
        json.WriteStartArray();
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}

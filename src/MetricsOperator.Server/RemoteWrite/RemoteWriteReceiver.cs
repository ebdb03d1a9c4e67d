using System.Buffers;
using System.Globalization;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.RemoteWrite;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace MetricsOperator.Server.RemoteWrite;

/// <summary>Answers <c>POST /api/v1/write</c>: remote write 1.0 and 2.0.</summary>
internal sealed class RemoteWriteReceiver(
    Func<IAppendable?> storage, KnownSeries known, ServerFlags flags, RemoteWriteMetrics metrics, TimeProvider time, ILogger logger)
{
    private const string MessageV1 = "prometheus.WriteRequest";
    private const string MessageV2 = "io.prometheus.write.v2.Request";
    private const int MaxDecodedBytes = 128 * 1024 * 1024;

    /// <summary>Larger buffers are garbage after use: a pool would hold them for a request that may never come.</summary>
    private const int MaxPooledBytes = 2 * 1024 * 1024;

    public async Task HandleAsync(HttpContext context)
    {
        if (!flags.EnableRemoteWriteReceiver)
        {
            await AnswerAsync(context, WriteOutcome.Failed(
                StatusCodes.Status404NotFound, "remote write receiver needs to be enabled with --web.enable-remote-write-receiver"));
            return;
        }

        if (storage() is not { } target)
        {
            await AnswerAsync(context, WriteOutcome.Failed(StatusCodes.Status503ServiceUnavailable, "Service Unavailable"));
            return;
        }

        if (ChooseVersion(context.Request, out var version) is { } problem)
        {
            await AnswerAsync(context, WriteOutcome.Failed(StatusCodes.Status415UnsupportedMediaType, problem));
            return;
        }

        var outcome = await ReceiveAsync(context, target, version);
        metrics.Accepted(outcome.Samples + outcome.Histograms);
        if (version == WriteRequestVersion.V2)
        {
            SetWritten(context.Response, "Samples", outcome.Samples);
            SetWritten(context.Response, "Histograms", outcome.Histograms);
            SetWritten(context.Response, "Exemplars", outcome.Exemplars);
        }

        await AnswerAsync(context, outcome);
    }

    private async Task<WriteOutcome> ReceiveAsync(HttpContext context, IAppendable target, WriteRequestVersion version)
    {
        byte[] compressed = [];
        byte[] message = [];
        try
        {
            (compressed, var length) = await ReadBodyAsync(context);
            if (!SnappyBlock.TryDecodePooled(compressed.AsSpan(0, length), MaxDecodedBytes, out message, out length, out var error))
            {
                return WriteOutcome.Failed(StatusCodes.Status400BadRequest, error);
            }

            return new WriteRequestAppender(target, known, time, logger).Append(message.AsSpan(0, length), version);
        }
        catch (StorageException e)
        {
            logger.LogError("Remote write: {Error}", e.Message);
            return WriteOutcome.Failed(StatusCodes.Status500InternalServerError, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            return WriteOutcome.Failed(e.StatusCode, e.Message);
        }
        finally
        {
            Return(compressed);
            Return(message);
        }
    }

    private static void Return(byte[] buffer)
    {
        if (buffer.Length <= MaxPooledBytes)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<(byte[] Buffer, int Length)> ReadBodyAsync(HttpContext context)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(context.Request.ContentLength ?? 0, 16 * 1024, MaxDecodedBytes));
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                buffer.AsSpan(0, length).CopyTo(larger);
                Return(buffer);
                buffer = larger;
            }

            var read = await context.Request.Body.ReadAsync(buffer.AsMemory(length), context.RequestAborted);
            if (read == 0)
            {
                return (buffer, length);
            }

            length += read;
        }
    }

    private string? ChooseVersion(HttpRequest request, out WriteRequestVersion version)
    {
        version = WriteRequestVersion.V1;
        var message = MessageV1;
        if (!string.IsNullOrEmpty(request.ContentType))
        {
            if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.MediaType.Equals("application/x-protobuf", StringComparison.OrdinalIgnoreCase))
            {
                return $"expected application/x-protobuf as the first (media) part, got {request.ContentType} content-type";
            }

            message = type.Parameters.FirstOrDefault(p => p.Name.Equals("proto", StringComparison.OrdinalIgnoreCase))?.Value.ToString() ?? MessageV1;
        }

        if (message is not (MessageV1 or MessageV2))
        {
            return $"got unknown remote write protobuf message {message}";
        }

        version = message == MessageV1 ? WriteRequestVersion.V1 : WriteRequestVersion.V2;
        if (!flags.AcceptedWriteMessages.Contains(message, StringComparer.Ordinal))
        {
            return $"{message} protobuf message is not accepted by this server; only accepts {string.Join(", ", flags.AcceptedWriteMessages)}";
        }

        var encoding = request.Headers.ContentEncoding.ToString();
        return encoding is "" or "snappy" ? null : $"{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable";
    }

    private static void SetWritten(HttpResponse response, string kind, long count) =>
        response.Headers[$"X-Prometheus-Remote-Write-{kind}-Written"] = count.ToString(CultureInfo.InvariantCulture);

    private async Task AnswerAsync(HttpContext context, WriteOutcome outcome)
    {
        context.Response.StatusCode = outcome.Status;
        if (outcome.Status == StatusCodes.Status204NoContent)
        {
            return;
        }

        metrics.Rejected();
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(outcome.Error + "\n", context.RequestAborted);
    }
}

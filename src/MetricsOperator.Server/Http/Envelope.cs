using System.Text.Json;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.Timeseries.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Http;

/// <summary>The envelope around every answer of the API.</summary>
internal static class Envelope
{
    /// <summary>Answers with data that is small enough to be written at once.</summary>
    public static Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> data, IReadOnlyCollection<string>? warnings = null) =>
        WriteAsync(
            context,
            output =>
            {
                data(output.Writer);
                return ValueTask.CompletedTask;
            },
            warnings,
            null);

    /// <summary>Answers with data that is written piece by piece.</summary>
    public static async Task WriteAsync(
        HttpContext context, Func<JsonOutput, ValueTask> data, IReadOnlyCollection<string>? warnings, IReadOnlyCollection<string>? infos)
    {
        await using var output = new JsonOutput(context, StatusCodes.Status200OK);
        var json = output.Writer;
        json.WriteStartObject();
        json.WriteString("status"u8, "success"u8);
        json.WritePropertyName("data"u8);
        await data(output);
        WriteNotes(json, "warnings", warnings);
        WriteNotes(json, "infos", infos);
        json.WriteEndObject();
    }

    /// <summary>Runs a handler; its errors become error envelopes.</summary>
    public static RequestDelegate Guard(RequestDelegate handler, ILogger logger) => async context =>
    {
        try
        {
            await handler(context);
        }
        catch (Exception e) when (!context.Response.HasStarted && Classify(e, context) is { } error)
        {
            if (error.Type == ApiErrorType.Internal)
            {
                logger.LogError("{Method} {Path}: {Error}", context.Request.Method, context.Request.Path, e.Message);
            }

            await WriteErrorAsync(context, error);
        }
    };

    public static async Task WriteErrorAsync(HttpContext context, ApiException error)
    {
        await using var output = new JsonOutput(context, error.Status);
        var json = output.Writer;
        json.WriteStartObject();
        json.WriteString("status"u8, "error"u8);
        json.WriteString("errorType"u8, error.TypeName);
        json.WriteString("error"u8, error.Message);
        json.WriteEndObject();
    }

    private static ApiException? Classify(Exception e, HttpContext context) => e switch
    {
        ApiException api => api,
        QueryExecutionException => new ApiException(ApiErrorType.Execution, e.Message, e),
        QueryTimeoutException => new ApiException(ApiErrorType.Timeout, e.Message, e),
        QueryCanceledException => new ApiException(ApiErrorType.Canceled, e.Message, e),
        StorageException => new ApiException(ApiErrorType.Internal, e.Message, e),
        OperationCanceledException when context.RequestAborted.IsCancellationRequested => new ApiException(ApiErrorType.Canceled, "context canceled", e),
        _ => null,
    };

    private static void WriteNotes(Utf8JsonWriter json, string name, IReadOnlyCollection<string>? notes)
    {
        if (notes is { Count: > 0 })
        {
            json.WritePropertyName(name);
            json.WriteStrings(notes);
        }
    }
}

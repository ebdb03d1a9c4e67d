using System.Buffers;
using System.Globalization;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Exposition;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>Health, readiness, reload, shutdown and the server's own metrics.</summary>
/// <param name="runtime">State of the process.</param>
/// <param name="reload">Loads the configuration file; answers why not, or null.</param>
/// <param name="quit">Asks the process to end.</param>
/// <param name="registry">The server's own metrics.</param>
/// <param name="flags">The command line.</param>
internal sealed class ManagementEndpoints(
    Func<RuntimeView> runtime, Func<CancellationToken, Task<string?>> reload, Action quit, MeterRegistry registry, ServerFlags flags)
{
    public static Task HealthyAsync(HttpContext context) =>
        RouteTable.WriteTextAsync(context, StatusCodes.Status200OK, "Prometheus Server is Healthy.\n");

    public Task ReadyAsync(HttpContext context)
    {
        var state = runtime();
        if (state.Phase == "ready")
        {
            return RouteTable.WriteTextAsync(context, StatusCodes.Status200OK, "Prometheus Server is Ready.\n");
        }

        context.Response.Headers["X-Prometheus-Stopping"] = state.Phase == "stopping" ? "true" : "false";
        return RouteTable.WriteTextAsync(
            context,
            StatusCodes.Status503ServiceUnavailable,
            state.Phase == "stopping"
                ? "Service Unavailable: stopping\n"
                : string.Create(CultureInfo.InvariantCulture, $"Service Unavailable: replaying the write-ahead log, {state.ReplayPercent:0.0}% done{TimeLeft(state)}\n"));
    }

    private static string TimeLeft(RuntimeView state) => state.ReplayTimeLeft is { } left
        ? string.Create(CultureInfo.InvariantCulture, $", about {Math.Ceiling(left.TotalSeconds):0} s left")
        : string.Empty;

    public async Task ReloadAsync(HttpContext context)
    {
        if (!await CheckLifecycleAsync(context))
        {
            return;
        }

        var problem = await reload(context.RequestAborted);
        if (problem is null)
        {
            context.Response.StatusCode = StatusCodes.Status200OK;
        }
        else
        {
            await RouteTable.WriteTextAsync(context, StatusCodes.Status500InternalServerError, $"failed to reload config: {problem}\n");
        }
    }

    public async Task QuitAsync(HttpContext context)
    {
        if (await CheckLifecycleAsync(context))
        {
            await RouteTable.WriteTextAsync(context, StatusCodes.Status200OK, "Requesting termination... Goodbye!");
            quit();
        }
    }

    public async Task MetricsAsync(HttpContext context)
    {
        var text = new ArrayBufferWriter<byte>(64 * 1024);
        registry.WriteTo(text);
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        if (JsonOutput.TakesGzip(context.Request))
        {
            context.Response.Headers.ContentEncoding = "gzip";
            await using var gzip = new System.IO.Compression.GZipStream(context.Response.Body, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true);
            await gzip.WriteAsync(text.WrittenMemory, context.RequestAborted);
        }
        else
        {
            await context.Response.Body.WriteAsync(text.WrittenMemory, context.RequestAborted);
        }
    }

    private async Task<bool> CheckLifecycleAsync(HttpContext context)
    {
        if (!flags.EnableLifecycle)
        {
            await RouteTable.WriteTextAsync(context, StatusCodes.Status403Forbidden, "Lifecycle API is not enabled.\n");
        }

        return flags.EnableLifecycle;
    }
}

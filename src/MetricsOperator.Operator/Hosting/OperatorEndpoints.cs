using MetricsOperator.Timeseries.Exposition;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Operator.Hosting;

/// <summary>The operator's own HTTP: <c>/metrics</c> on one address, <c>/healthz</c> and <c>/readyz</c> on another.</summary>
internal static class OperatorEndpoints
{
    /// <summary>Builds the listener; the caller starts and disposes it.</summary>
    /// <param name="options">Addresses.</param>
    /// <param name="meters">What <c>/metrics</c> shows.</param>
    /// <param name="health">What the probes ask.</param>
    public static WebApplication Build(OperatorOptions options, MeterRegistry meters, OperatorHealth health)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(options.MetricsAddress);
            if (!options.HealthAddress.Equals(options.MetricsAddress))
            {
                kestrel.Listen(options.HealthAddress);
            }
        });
        var app = builder.Build();
        app.Run(context => context.Request.Path.Value switch
        {
            "/metrics" => WriteMetricsAsync(context, meters),
            "/healthz" => AnswerAsync(context, health.Problem()),
            "/readyz" => AnswerAsync(context, health.NotReady()),
            _ => AnswerAsync(context, "not found", StatusCodes.Status404NotFound),
        });
        return app;
    }

    private static async Task WriteMetricsAsync(HttpContext context, MeterRegistry meters)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        meters.WriteTo(context.Response.BodyWriter);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static Task AnswerAsync(HttpContext context, string? problem, int failure = StatusCodes.Status503ServiceUnavailable)
    {
        context.Response.StatusCode = problem is null ? StatusCodes.Status200OK : failure;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync((problem ?? "ok") + "\n", context.RequestAborted);
    }
}

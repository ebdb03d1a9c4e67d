using System.CommandLine;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Cli.Exporter;

/// <summary><c>metricsctl exporter</c>: a synthetic scrape target with churn, for demonstrations and tests.</summary>
internal static class ExporterCommand
{
    public static Command Build()
    {
        var listen = new Option<string>("--listen") { Description = "Address and port to serve /metrics on.", DefaultValueFactory = _ => "127.0.0.1:9100" };
        var prefix = new Option<string>("--prefix") { Description = "First part of every metric name.", DefaultValueFactory = _ => "synthetic" };
        var series = new Option<int>("--series") { Description = "Series that are there from the start.", DefaultValueFactory = _ => 100 };
        var churn = new Option<int>("--new-series-per-second") { Description = "Sessions, each one series, that begin every second.", DefaultValueFactory = _ => 0 };
        var lifetime = new Option<double>("--lifetime-seconds") { Description = "How long a session stays exposed.", DefaultValueFactory = _ => 5 };
        var command = new Command("exporter", "Serve synthetic metrics: stable series and, if asked, new series every second.") { listen, prefix, series, churn, lifetime };
        command.SetAction(async (result, cancellation) =>
        {
            if (!IPEndPoint.TryParse(result.GetValue(listen)!, out var endpoint))
            {
                await Console.Error.WriteLineAsync($"cannot listen: --listen is \"{result.GetValue(listen)}\", want ADDRESS:PORT such as 127.0.0.1:9100").ConfigureAwait(false);
                return 2;
            }

            var options = new SyntheticTargetOptions(result.GetValue(prefix)!, result.GetValue(series), result.GetValue(churn), TimeSpan.FromSeconds(result.GetValue(lifetime)));
            await RunAsync(endpoint, options, cancellation).ConfigureAwait(false);
            return 0;
        });
        return command;
    }

    private static async Task RunAsync(IPEndPoint endpoint, SyntheticTargetOptions options, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(endpoint));
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        var target = new SyntheticTarget(options, TimeProvider.System);
        app.Run(async context =>
        {
            if (context.Request.Path != "/metrics")
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            target.WriteTo(context.Response.BodyWriter);
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        });
        await app.StartAsync(cancellation).ConfigureAwait(false);
        Console.WriteLine($"serving {options.StableSeries} series and {options.NewSeriesPerSecond} new ones a second on http://{endpoint}/metrics");
        await app.WaitForShutdownAsync(cancellation).ConfigureAwait(false);
    }
}

using System.Globalization;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Controllers;
using MetricsOperator.KubeClient.LeaderElection;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Operator.Stacks;
using MetricsOperator.Planning.Stacks;
using MetricsOperator.Timeseries.Exposition;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;
using ILogger = Microsoft.Extensions.Logging.ILogger;

namespace MetricsOperator.Operator.Hosting;

/// <summary>Builds the parts, connects them and runs them until the process is told to stop.</summary>
internal static class OperatorHost
{
    private const string LogTemplate = "{Timestamp:yyyy-MM-dd'T'HH:mm:ss.fffK} {Level:u3} {SourceContext}: {Message:lj} {Properties:j}{NewLine}{Exception}";

    /// <summary>Exit code: 0 after SIGTERM, 1 when the leader lease was lost, 78 when the connection is not configured.</summary>
    public static async Task<int> RunAsync(OperatorOptions options, CancellationToken cancellation)
    {
        using var logs = new SerilogLoggerFactory(CreateLog(options.LogLevel), dispose: true);
        var logger = logs.CreateLogger("MetricsOperator.Operator");
        KubeConnection connection;
        try
        {
            connection = options.Kubeconfig is null ? KubeConnection.Default() : KubeConnection.FromKubeconfig(options.Kubeconfig);
        }
        catch (KubeConfigException e)
        {
            logger.LogError("Cannot connect: {Problem}", e.Message);
            return 78;
        }

        using (connection)
        {
            return await RunAsync(options, connection, logs, logger, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<int> RunAsync(OperatorOptions options, KubeConnection connection, SerilogLoggerFactory logs, ILogger logger, CancellationToken cancellation)
    {
        using var meters = new MeterRegistry();
        using var servers = new HttpClient();
        var elector = options.LeaderElect ? CreateElector(connection, logs) : null;
        var client = new KubeRestClient(connection, new KubeRestClientOptions
        {
            FieldManager = StackNames.FieldManager,
            MayWrite = elector is null ? null : () => elector.HoldsLease,
            Logger = logs.CreateLogger("MetricsOperator.KubeClient"),
        });
        var informers = new StackInformers(client, options.Namespaces, logs.CreateLogger("MetricsOperator.Watching"));
        var world = new KubeStackWorld(informers, client, servers);
        var settings = new PlanningSettings(options.ServerImage, options.ServersListenOnPodIp);
        var reconciler = new StackReconciler(world, settings, options.ResyncPeriod, TimeProvider.System, logs.CreateLogger<StackReconciler>());
        using var controller = new Controller<ObjectKey>("metricsstack", reconciler, new ControllerOptions { Workers = options.Workers, Logger = logs.CreateLogger("MetricsOperator.Controller") });
        informers.Feed(controller);

        var health = new OperatorHealth(informers);
        await using var endpoints = OperatorEndpoints.Build(options, meters, health);
        await endpoints.StartAsync(cancellation).ConfigureAwait(false);
        logger.LogInformation("Operator {Version} talks to {Server}, metrics on {Metrics}", typeof(OperatorHost).Assembly.GetName().Version?.ToString(3), connection.Server, options.MetricsAddress);

        // The loops run until they are told to stop. When one ends by itself the process ends: half an operator is worse than a restart.
        using var running = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = informers.RunAsync(running.Token);
        var working = LeadAsync(elector, informers, controller, logger, running.Token);
        try
        {
            await (await Task.WhenAny(watching, working).ConfigureAwait(false)).ConfigureAwait(false);
            health.MarkStopped("a loop has ended");
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Told to stop.
        }

        await running.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(watching, working).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        logger.LogInformation("Operator stopped");
        return cancellation.IsCancellationRequested ? 0 : 1;
    }

    private static async Task LeadAsync(LeaseElector? elector, StackInformers informers, Controller<ObjectKey> controller, ILogger logger, CancellationToken cancellation)
    {
        // Caches fill before leadership, so that a new leader acts at once.
        await informers.WaitForSyncAsync(cancellation).ConfigureAwait(false);
        if (elector is null)
        {
            await controller.RunAsync(cancellation).ConfigureAwait(false);
            return;
        }

        await elector.RunAsync(
            async leading =>
            {
                logger.LogInformation("This operator leads");
                await controller.RunAsync(leading).ConfigureAwait(false);
            },
            cancellation).ConfigureAwait(false);
    }

    private static LeaseElector CreateElector(KubeConnection connection, SerilogLoggerFactory logs)
    {
        var leaseClient = new KubeRestClient(connection, new KubeRestClientOptions { FieldManager = StackNames.FieldManager });
        return new LeaseElector(leaseClient, new LeaseElectorOptions
        {
            Namespace = Environment.GetEnvironmentVariable("POD_NAMESPACE") ?? connection.Namespace,
            LeaseName = "metrics-operator",
            Identity = $"{Environment.GetEnvironmentVariable("POD_NAME") ?? Environment.MachineName}_{Guid.NewGuid():N}",
            Logger = logs.CreateLogger("MetricsOperator.LeaderElection"),
        });
    }

    private static Serilog.Core.Logger CreateLog(string level) => new LoggerConfiguration()
        .MinimumLevel.Is(level switch
        {
            "debug" => LogEventLevel.Debug,
            "warn" => LogEventLevel.Warning,
            "error" => LogEventLevel.Error,
            _ => LogEventLevel.Information,
        })
        .Enrich.FromLogContext()
        .WriteTo.Console(outputTemplate: LogTemplate, formatProvider: CultureInfo.InvariantCulture)
        .CreateLogger();
}

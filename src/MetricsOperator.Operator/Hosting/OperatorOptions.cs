using System.CommandLine;
using System.Net;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Operator.Hosting;

/// <summary>The command line.</summary>
internal sealed record OperatorOptions
{
    /// <summary>Null takes the service account in a pod, elsewhere the usual kubeconfig.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>Empty follows all namespaces.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    public required IPEndPoint MetricsAddress { get; init; }

    public required IPEndPoint HealthAddress { get; init; }

    public bool LeaderElect { get; init; }

    public required string ServerImage { get; init; }

    public bool ServersListenOnPodIp { get; init; }

    public int Workers { get; init; }

    public TimeSpan ResyncPeriod { get; init; }

    public required string LogLevel { get; init; }

    /// <summary>The command with its flags; the body gets the checked options.</summary>
    public static RootCommand Command(Func<OperatorOptions, CancellationToken, Task<int>> body)
    {
        var kubeconfig = new Option<string?>("--kubeconfig") { Description = "Kubeconfig file; in a pod the service account is used." };
        var namespaces = new Option<string>("--namespaces") { Description = "Namespaces to follow, separated by commas; empty follows all.", DefaultValueFactory = _ => "" };
        var metrics = Address("--metrics-bind-address", "Address of /metrics.", "0.0.0.0:8080");
        var health = Address("--health-probe-bind-address", "Address of /healthz and /readyz.", "0.0.0.0:8081");
        var leaderElect = new Option<bool>("--leader-elect") { Description = "Act only while holding the Lease metrics-operator; needed with more than one replica." };
        var image = new Option<string>("--server-image") { Description = "Image of servers whose stack names none.", DefaultValueFactory = _ => "metricsoperator/server:0.1.0" };
        var listen = new Option<string>("--server-listen") { Description = "Where servers listen: any, or pod-ip for the address of their pod only.", DefaultValueFactory = _ => "any" };
        listen.AcceptOnlyFromAmong("any", "pod-ip");
        var workers = new Option<int>("--workers") { Description = "Stacks that are worked on at the same time.", DefaultValueFactory = _ => 4 };
        var resync = ResyncPeriodOption();
        var level = new Option<string>("--log.level") { Description = "debug, info, warn or error.", DefaultValueFactory = _ => "info" };
        level.AcceptOnlyFromAmong("debug", "info", "warn", "error");
        var command = new RootCommand("Manages MetricsStacks: metrics servers that keep themselves inside a memory budget.")
        {
            kubeconfig, namespaces, metrics, health, leaderElect, image, listen, workers, resync, level,
        };
        command.SetAction((result, cancellation) => body(
            new OperatorOptions
            {
                Kubeconfig = result.GetValue(kubeconfig),
                Namespaces = result.GetValue(namespaces)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
                MetricsAddress = IPEndPoint.Parse(result.GetValue(metrics)!),
                HealthAddress = IPEndPoint.Parse(result.GetValue(health)!),
                LeaderElect = result.GetValue(leaderElect),
                ServerImage = result.GetValue(image)!,
                ServersListenOnPodIp = result.GetValue(listen) == "pod-ip",
                Workers = Math.Clamp(result.GetValue(workers), 1, 64),
                ResyncPeriod = MetricsDuration.Parse(result.GetValue(resync)!),
                LogLevel = result.GetValue(level)!,
            },
            cancellation));
        return command;
    }

    private static Option<string> ResyncPeriodOption()
    {
        var option = new Option<string>("--resync-period")
        {
            Description = "After this a stack is looked at again though nothing told of a change.",
            DefaultValueFactory = _ => "5m",
        };
        option.Validators.Add(result =>
        {
            var text = result.GetValueOrDefault<string>();
            if (!MetricsDuration.TryParse(text, out var period) || period < TimeSpan.FromSeconds(1))
            {
                result.AddError($"--resync-period: got \"{text}\", want a duration of at least 1s such as 5m");
            }
        });
        return option;
    }

    private static Option<string> Address(string name, string description, string value)
    {
        var option = new Option<string>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            var text = result.GetValueOrDefault<string>() ?? "";
            if (!text.Contains(':', StringComparison.Ordinal) || !IPEndPoint.TryParse(text, out _))
            {
                result.AddError($"{name}: got \"{text}\", want ADDRESS:PORT such as 0.0.0.0:8080");
            }
        });
        return option;
    }
}

using System.Globalization;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Scraping;

namespace MetricsOperator.Planning.Stacks;

/// <summary>The server's container. Nothing in it depends on the content of the configuration file: that is reloaded without a new pod.</summary>
internal static class ServerContainer
{
    private const string ConfigFolder = "/etc/metricsoperator/config";
    private const string DataFolder = "/data";
    private const string TerminationLog = "/dev/termination-log";

    public static V1Container Build(StackSnapshot stack, string replica)
    {
        var memory = ResourceQuantity.FromBytes(Quantity.ParseBytes(stack.Spec.Memory.Budget));
        var request = ResourceQuantity.FromBytes(Quantity.ParseBytes(stack.Spec.Memory.Request ?? stack.Spec.Memory.Budget));
        return new V1Container
        {
            Name = StackNames.ServerContainer,
            Image = stack.ServerImage,
            Args = [.. Arguments(stack)],
            Env = Environment(replica, (long)memory.Value),
            Ports = [new V1ContainerPort { Name = StackNames.WebPortName, ContainerPort = StackNames.WebPort, Protocol = "TCP" }],
            Resources = new V1ResourceRequirements
            {
                Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = memory },
                Requests = new Dictionary<string, ResourceQuantity> { ["memory"] = request },
            },
            VolumeMounts =
            [
                new V1VolumeMount { Name = StackNames.ConfigVolume, MountPath = ConfigFolder, ReadOnly = true },
                new V1VolumeMount { Name = StackNames.DataVolume, MountPath = DataFolder },
            ],

            // Long enough for the longest log; a probe that ends a replay starts it all over again.
            StartupProbe = Probe(stack, "/-/ready", periodSeconds: 2, failureThreshold: 1800, timeoutSeconds: 3),
            ReadinessProbe = Probe(stack, "/-/ready", periodSeconds: 2, failureThreshold: 3, timeoutSeconds: 3),

            // Slow to judge: a server short of memory answers late, and killing it makes nothing better.
            LivenessProbe = Probe(stack, "/-/healthy", periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 10),
            TerminationMessagePath = TerminationLog,
            TerminationMessagePolicy = "File",
            SecurityContext = new V1SecurityContext
            {
                AllowPrivilegeEscalation = false,
                ReadOnlyRootFilesystem = true,
                Capabilities = new V1Capabilities { Drop = ["ALL"] },
            },
        };
    }

    private static IEnumerable<string> Arguments(StackSnapshot stack)
    {
        var spec = stack.Spec;
        yield return $"--config.file={ConfigFolder}/{ServerConfigRenderer.FileName}";
        yield return $"--storage.tsdb.path={DataFolder}";
        yield return $"--storage.tsdb.retention.time={spec.Storage.Retention.Time}";
        yield return string.Create(CultureInfo.InvariantCulture, $"--storage.tsdb.retention.size={RetentionBytes(spec.Storage)}B");
        yield return string.Create(CultureInfo.InvariantCulture, $"--web.listen-address={(stack.Settings.ListenOnPodIp ? "$(POD_IP)" : "0.0.0.0")}:{StackNames.WebPort}");
        if (stack.RoutePrefix.Length > 0)
        {
            var scheme = spec.Ingress!.TlsSecretName is null ? "http" : "https";
            yield return $"--web.external-url={scheme}://{spec.Ingress.Host ?? "localhost"}{stack.RoutePrefix}";
        }

        yield return "--web.enable-lifecycle";
        yield return "--web.enable-remote-write-receiver";
        yield return "--enable-feature=auto-reload-config";
        yield return "--config.auto-reload-interval=1s";
        yield return $"--query.timeout={spec.Query.Timeout}";
        yield return string.Create(CultureInfo.InvariantCulture, $"--query.max-concurrency={spec.Query.MaxConcurrency}");
        yield return string.Create(CultureInfo.InvariantCulture, $"--query.max-samples={spec.Query.MaxSamples}");
        yield return $"--memory.budget={spec.Memory.Budget}";
        if (spec.Memory.Guard == MemorySpec.Observe)
        {
            yield return "--memory.guard=observe";
        }

        if (spec.Scrape.ProtectedMetrics.Count > 0)
        {
            // Not in the configuration file, which stays one that Prometheus accepts.
            yield return $"--memory.protected-metrics={string.Join('|', spec.Scrape.ProtectedMetrics.Order(StringComparer.Ordinal))}";
        }

        yield return $"--termination-log={TerminationLog}";
    }

    private static List<V1EnvVar> Environment(string replica, long memoryBytes) =>
    [
        Field("POD_IP", "status.podIP"),
        Field("POD_NAME", "metadata.name"),
        new V1EnvVar { Name = ServerConfigRenderer.ReplicaVariable, Value = replica },

        // Equal to the limit: the kernel, which leaves a clear trace, is the one that kills.
        new V1EnvVar { Name = "DOTNET_GCHeapHardLimit", Value = "0x" + memoryBytes.ToString("x", CultureInfo.InvariantCulture) },

        // The diagnostics socket would need a writable file system.
        new V1EnvVar { Name = "DOTNET_EnableDiagnostics", Value = "0" },

        // Code mapped twice costs tens of mebibytes of every server.
        new V1EnvVar { Name = "DOTNET_EnableWriteXorExecute", Value = "0" },

        // One heap of glibc's, and what the compiler used goes back to the kernel: else it keeps what it once needed, once per thread.
        new V1EnvVar { Name = "MALLOC_ARENA_MAX", Value = "1" },
        new V1EnvVar { Name = "MALLOC_MMAP_THRESHOLD_", Value = "32768" },
        new V1EnvVar { Name = "MALLOC_TRIM_THRESHOLD_", Value = "65536" },
    ];

    private static V1EnvVar Field(string name, string path) =>
        new() { Name = name, ValueFrom = new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = path } } };

    private static V1Probe Probe(StackSnapshot stack, string path, int periodSeconds, int failureThreshold, int timeoutSeconds) => new()
    {
        HttpGet = new V1HTTPGetAction { Path = stack.RoutePrefix + path, Port = StackNames.WebPort, Scheme = "HTTP" },
        PeriodSeconds = periodSeconds,
        FailureThreshold = failureThreshold,
        TimeoutSeconds = timeoutSeconds,
    };

    private static long RetentionBytes(StorageSpec storage)
    {
        if (!storage.Retention.Size.EndsWith('%'))
        {
            return Quantity.ParseBytes(storage.Retention.Size);
        }

        var percent = int.Parse(storage.Retention.Size.AsSpan(0, storage.Retention.Size.Length - 1), CultureInfo.InvariantCulture);
        return (long)(Quantity.ParseBytes(storage.Size) * (percent / 100m));
    }
}

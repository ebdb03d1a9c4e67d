namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>What the command line says.</summary>
public sealed record ClusterOptions
{
    /// <summary>Directory of all state: kubeconfig, certificates, objects, volumes, logs. Readable by its owner alone.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Port of the API on 127.0.0.1; 0 takes the port of the last run when it is free, else any.</summary>
    public int Port { get; init; }

    /// <summary>Image name to executable (absolute path), from <c>--image NAME=EXECUTABLE</c>.</summary>
    public IReadOnlyDictionary<string, string> Images { get; init; } = new Dictionary<string, string>();

    /// <summary>auto, cgroup, rss or off.</summary>
    public string MemoryLimits { get; init; } = "auto";

    /// <summary>Port of the ingress proxy on 127.0.0.1; 0 takes any.</summary>
    public int IngressPort { get; init; }

    /// <summary>Factor on the kubelet's restart back-off (10 s doubling to 300 s); tests make it small.</summary>
    public double BackoffScale { get; init; } = 1.0;

    /// <summary>Directory with CustomResourceDefinition manifests (YAML or JSON) that are applied at start, or null.</summary>
    public string? CrdDirectory { get; init; }

    /// <summary>Audit log file, or null for none.</summary>
    public string? AuditLog { get; init; }
}

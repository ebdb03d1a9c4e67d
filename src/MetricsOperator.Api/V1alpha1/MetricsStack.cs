using System.ComponentModel;
using MetricsOperator.Api.Schema;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>What to scrape, how often, which metrics must be kept, and how much memory it may use.</summary>
[Description("MetricsStack is a Prometheus-compatible metrics server that keeps itself inside a memory budget.")]
[CustomResource(ApiKinds.Group, ApiKinds.Version, "MetricsStack", "metricsstacks", ShortNames = ["mstack"], Categories = ["metrics"], Status = true, Scale = true)]
[PrinterColumn("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status", "Whether the current generation is applied on all replicas and serving.")]
[PrinterColumn("Replicas", "integer", ".spec.replicas", "Wanted servers.")]
[PrinterColumn("Available", "integer", ".status.readyReplicas", "Servers that answer queries.")]
[PrinterColumn("Level", "integer", ".status.overload.level", "How many tightening steps are active; 0 is the configuration as written.")]
[PrinterColumn("Interval", "string", ".status.effective.interval", "Scrape interval in force.")]
[PrinterColumn("Budget", "string", ".spec.memory.budget", "Memory budget of each server.")]
[PrinterColumn("Reason", "string", ".status.conditions[?(@.type==\"Ready\")].reason", "Why the stack is ready or not.", Priority = 1)]
[PrinterColumn("KeepLists", "string", ".status.effective.keepLists", "Keep-lists in force.", Priority = 1)]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp", "Time since creation.")]
public sealed record MetricsStack : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? ApiKinds.GroupVersion; } = ApiKinds.GroupVersion;

    public string Kind { get; init => field = value ?? "MetricsStack"; } = "MetricsStack";

    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();

    [RequiredField]
    [Description("What the user wants.")]
    public MetricsStackSpec Spec { get; init => field = value ?? new(); } = new();

    [Description("What the operator found and did.")]
    public MetricsStackStatus? Status { get; init; }
}

/// <summary>The wanted state. Members that the user leaves out have the values given here.</summary>
public sealed record MetricsStackSpec
{
    [Description("Number of identical, independent servers. Every server scrapes every target.")]
    [Bounds(0, 10)]
    [SchemaDefault(1)]
    public int Replicas { get; set; } = 1;

    [Description("Labels that every sample carries when it leaves this stack, for example cluster or region.")]
    [Bounds(0, 32)]
    public Dictionary<string, string> ExternalLabels { get; set; } = [];

    [Description("Name of the external label that holds the name of the replica. Empty adds none. Default: replica.")]
    [Pattern("^([a-zA-Z_][a-zA-Z0-9_]*)?$")]
    [Bounds(0, 128)]
    public string ReplicaLabel { get; set; } = "replica";

    [Description("Image of the server. Default: the image that the operator was started with.")]
    [Bounds(1, 512)]
    public string? Image { get; set; }

    [Description("Stops every write of the operator for this stack, reactions to out-of-memory deaths included.")]
    public bool Paused { get; set; }

    [Description("Where samples are kept and for how long.")]
    public StorageSpec Storage { get; set; } = new();

    [RequiredField]
    [Description("How much memory each server may use.")]
    public MemorySpec Memory { get; set; } = new();

    [Description("What is scraped, how often, and what is kept of it.")]
    public ScrapeSpec Scrape { get; set; } = new();

    [Description("What the operator may change by itself when a server runs out of memory.")]
    public OverloadSpec Overload { get; set; } = new();

    [Description("Limits of queries.")]
    public QuerySpec Query { get; set; } = new();

    [Description("Exposes the stack outside of the cluster. Absent: no Ingress.")]
    public IngressSpec? Ingress { get; set; }

    [Description("How the stack is exposed inside the cluster.")]
    public ServiceSpec Service { get; set; } = new();

    [Description("Protection against voluntary disruptions such as node drains.")]
    public DisruptionSpec Disruption { get; set; } = new();

    [Description("Merged over the generated pod template at the end; maps merge, lists of named objects merge by name, other values replace.")]
    public PodTemplateSpec? PodTemplate { get; set; }
}

/// <summary>Limits that protect the server from its readers.</summary>
public sealed record QuerySpec
{
    [Description("Longest time a query may take. Default: 2m.")]
    [Pattern(Values.MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string Timeout { get; set; } = "2m";

    [Description("How many queries run at the same time. Default: 20.")]
    [Bounds(1, 1000)]
    public int MaxConcurrency { get; set; } = 20;

    [Description("How many samples one query may load. Default: 50000000.")]
    [Bounds(1, 10_000_000_000)]
    public long MaxSamples { get; set; } = 50_000_000;
}

/// <summary>Host and path under which the stack answers.</summary>
public sealed record IngressSpec
{
    [Description("Ingress class. Default: the cluster's default class.")]
    [Bounds(1, 253)]
    public string? ClassName { get; set; }

    [Description("Host name, for example metrics.example.org. Absent: any host.")]
    [Bounds(1, 253)]
    public string? Host { get; set; }

    [Description("Path prefix under which the server answers. Default: /.")]
    [Pattern("^/[A-Za-z0-9._~/-]*$")]
    [Bounds(1, 256)]
    public string Path { get; set; } = "/";

    [Description("Secret with the certificate for the host. Absent: no TLS.")]
    [Bounds(1, 253)]
    public string? TlsSecretName { get; set; }

    [Description("Annotations of the Ingress.")]
    [Bounds(0, 64)]
    public Dictionary<string, string> Annotations { get; set; } = [];
}

/// <summary>The Service in front of all replicas.</summary>
public sealed record ServiceSpec
{
    [Description("Type of the Service. Default: ClusterIP.")]
    [AllowedValues("ClusterIP", "NodePort", "LoadBalancer")]
    public string Type { get; set; } = "ClusterIP";

    [Description("Annotations of the Service.")]
    [Bounds(0, 64)]
    public Dictionary<string, string> Annotations { get; set; } = [];
}

/// <summary>How voluntary disruptions are limited.</summary>
public sealed record DisruptionSpec
{
    [Description("Auto creates a PodDisruptionBudget with maxUnavailable 1 when there are two replicas or more. Default: Auto.")]
    [AllowedValues("Auto", "Off")]
    public string PodDisruptionBudget { get; set; } = "Auto";
}

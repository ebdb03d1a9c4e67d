using System.ComponentModel;
using MetricsOperator.Api.Schema;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>Targets of one kind and how they are scraped. Exactly one of static and kubernetes says where they are.</summary>
public sealed record ScrapeJob
{
    [RequiredField]
    [Description("Name of the job; becomes the label job.")]
    [Pattern("^[a-zA-Z0-9]([a-zA-Z0-9_./-]*[a-zA-Z0-9])?$")]
    [Bounds(1, 128)]
    public string Name { get; set; } = string.Empty;

    [Description("Time between two scrapes. Default: the interval of the stack.")]
    [Pattern(MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string? Interval { get; set; }

    [Description("Time after which a scrape is given up. Default: the timeout of the stack, or the interval when that is shorter.")]
    [Pattern(MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string? Timeout { get; set; }

    [Description("Path of the metrics. Default: /metrics.")]
    [Bounds(1, 1024)]
    public string Path { get; set; } = "/metrics";

    [Description("http or https. Default: http; https for the role apiserver.")]
    [AllowedValues("http", "https")]
    public string? Scheme { get; set; }

    [Description("URL parameters of the request.")]
    [Bounds(0, 64)]
    public Dictionary<string, List<string>> Params { get; set; } = [];

    [Description("Targets by address.")]
    [Bounds(0, 256)]
    public List<StaticTargets> Static { get; set; } = [];

    [Description("Targets found in Kubernetes.")]
    public KubernetesTargets? Kubernetes { get; set; }

    [Description("Relabeling of targets.")]
    [Bounds(0, 128)]
    public List<RelabelConfig> Relabelings { get; set; } = [];

    [Description("Relabeling of samples.")]
    [Bounds(0, 128)]
    public List<RelabelConfig> MetricRelabelings { get; set; } = [];

    [Description("How the certificate of https targets is checked.")]
    public TlsSpec? Tls { get; set; }

    [Description("What the server sends to say who it is.")]
    public AuthorizationSpec? Authorization { get; set; }

    [Description("Keeps labels of the sample that collide with labels of the target. Default: false.")]
    public bool HonorLabels { get; set; }

    [Description("Samples per scrape after relabeling; a scrape with more fails as a whole. Default: the limit of the stack.")]
    [Bounds(0, 100_000_000)]
    public int? SampleLimit { get; set; }

    [Description("Jobs with a lower number are tightened first. Default: 100.")]
    [Bounds(0, 1000)]
    public int Priority { get; set; } = 100;

    [Description("MetricsKeepList that is applied to this job when the reaction to overload reaches ApplyKeepLists.")]
    [Bounds(1, 253)]
    public string? KeepList { get; set; }
}

/// <summary>Addresses with the labels they share.</summary>
public sealed record StaticTargets
{
    [RequiredField]
    [Description("Addresses as host:port.")]
    [Bounds(1, 1000)]
    public List<string> Targets { get; set; } = [];

    [Description("Labels of these targets.")]
    [Bounds(0, 64)]
    public Dictionary<string, string> Labels { get; set; } = [];
}

/// <summary>Targets that the server finds through the Kubernetes API.</summary>
public sealed record KubernetesTargets
{
    public const string ApiServerRole = "apiserver";

    [RequiredField]
    [Description("What becomes a target: every node, port of a pod, port of a service, endpoint, or the API server itself.")]
    [AllowedValues("node", "pod", "service", "endpointslice", "endpoints", ApiServerRole)]
    public string Role { get; set; } = string.Empty;

    [Description("Port to scrape, by name or number. Default: every port.")]
    [Bounds(1, 63)]
    public string? Port { get; set; }

    [Description("Where to look. Default: the namespace of the stack.")]
    public NamespaceSelection Namespaces { get; set; } = new();

    [Description("Which objects of the role become targets.")]
    public ObjectSelection Selector { get; set; } = new();
}

/// <summary>Namespaces by name, or all of them.</summary>
public sealed record NamespaceSelection
{
    [Description("Looks in all namespaces.")]
    public bool Any { get; set; }

    [Description("Looks in these namespaces.")]
    [Bounds(0, 256)]
    [ListSet]
    public List<string> Names { get; set; } = [];
}

/// <summary>Selectors that the API server evaluates, so that unwanted objects never reach the server.</summary>
public sealed record ObjectSelection
{
    [Description("Labels that the objects must have.")]
    [Bounds(0, 32)]
    public Dictionary<string, string> MatchLabels { get; set; } = [];

    [Description("Field selector, for example spec.nodeName=node-1.")]
    [Bounds(1, 1024)]
    public string? Field { get; set; }
}

/// <summary>Trust and identity of TLS connections.</summary>
public sealed record TlsSpec
{
    [Description("Key of a Secret with the CA certificates that sign the targets' certificates.")]
    public SecretKeyRef? Ca { get; set; }

    [Description("Key of a Secret with the client certificate.")]
    public SecretKeyRef? Cert { get; set; }

    [Description("Key of a Secret with the key of the client certificate.")]
    public SecretKeyRef? Key { get; set; }

    [Description("Name that the certificate must carry. Default: the host of the target.")]
    [Bounds(1, 253)]
    public string? ServerName { get; set; }

    [Description("Accepts any certificate. Default: false.")]
    public bool InsecureSkipVerify { get; set; }
}

/// <summary>The Authorization header of a scrape. The secret stays in a Secret of the stack's namespace.</summary>
public sealed record AuthorizationSpec
{
    [Description("Type of the credentials. Default: Bearer.")]
    [Bounds(1, 64)]
    public string Type { get; set; } = "Bearer";

    [Description("Key of a Secret with the credentials.")]
    public SecretKeyRef? Credentials { get; set; }

    [Description("Sends the token of the stack's own service account. Only for the roles node and apiserver, whose addresses the cluster itself gives out.")]
    public bool ServiceAccount { get; set; }
}

/// <summary>One key of a Secret in the namespace of the stack.</summary>
public sealed record SecretKeyRef
{
    [RequiredField]
    [Description("Name of the Secret.")]
    [Bounds(1, 253)]
    public string Name { get; set; } = string.Empty;

    [RequiredField]
    [Description("Key in the Secret.")]
    [Bounds(1, 253)]
    public string Key { get; set; } = string.Empty;
}

namespace MetricsOperator.KubeClient.Models;

/// <summary>networking.k8s.io/v1 Ingress.</summary>
public sealed record V1Ingress : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "networking.k8s.io/v1"; } = "networking.k8s.io/v1";
    public string Kind { get; init => field = value ?? "Ingress"; } = "Ingress";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1IngressSpec? Spec { get; init; }
    public V1IngressStatus? Status { get; init; }
}

/// <summary>Rules by host and path.</summary>
public sealed record V1IngressSpec
{
    public string? IngressClassName { get; init; }
    public V1IngressBackend? DefaultBackend { get; init; }
    public IReadOnlyList<V1IngressTLS>? Tls { get; init; }
    public IReadOnlyList<V1IngressRule>? Rules { get; init; }
}

/// <summary>Hosts that use the certificate of a Secret.</summary>
public sealed record V1IngressTLS
{
    public IReadOnlyList<string>? Hosts { get; init; }
    public string? SecretName { get; init; }
}

/// <summary>Paths of one host; no host means all.</summary>
public sealed record V1IngressRule
{
    public string? Host { get; init; }
    public V1HTTPIngressRuleValue? Http { get; init; }
}

/// <summary>Paths.</summary>
public sealed record V1HTTPIngressRuleValue
{
    public IReadOnlyList<V1HTTPIngressPath>? Paths { get; init; }
}

/// <summary><see cref="PathType"/> is <c>Exact</c>, <c>Prefix</c> or <c>ImplementationSpecific</c>.</summary>
public sealed record V1HTTPIngressPath
{
    public string? Path { get; init; }
    public string? PathType { get; init; }
    public V1IngressBackend? Backend { get; init; }
}

/// <summary>Where requests go.</summary>
public sealed record V1IngressBackend
{
    public V1IngressServiceBackend? Service { get; init; }
}

/// <summary>A service and its port.</summary>
public sealed record V1IngressServiceBackend
{
    public string? Name { get; init; }
    public V1ServiceBackendPort? Port { get; init; }
}

/// <summary>Number or name.</summary>
public sealed record V1ServiceBackendPort
{
    public string? Name { get; init; }
    public int? Number { get; init; }
}

/// <summary>Entry points.</summary>
public sealed record V1IngressStatus
{
    public V1LoadBalancerStatus? LoadBalancer { get; init; }
}

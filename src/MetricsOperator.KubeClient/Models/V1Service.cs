namespace MetricsOperator.KubeClient.Models;

/// <summary>core/v1 Service.</summary>
public sealed record V1Service : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "Service"; } = "Service";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1ServiceSpec? Spec { get; init; }
    public V1ServiceStatus? Status { get; init; }
}

/// <summary>A stable address for the pods that a selector finds.</summary>
public sealed record V1ServiceSpec
{
    /// <summary><c>ClusterIP</c>, <c>NodePort</c>, <c>LoadBalancer</c> or <c>ExternalName</c>.</summary>
    public string? Type { get; init; }

    /// <summary>An address, or <c>None</c> for a headless service.</summary>
    public string? ClusterIP { get; init; }
    public IReadOnlyList<string>? ClusterIPs { get; init; }
    public IReadOnlyDictionary<string, string>? Selector { get; init; }
    public IReadOnlyList<V1ServicePort>? Ports { get; init; }
    public string? SessionAffinity { get; init; }
    public bool? PublishNotReadyAddresses { get; init; }
    public string? ExternalName { get; init; }
    public IReadOnlyList<string>? ExternalIPs { get; init; }
    public string? LoadBalancerClass { get; init; }
    public string? ExternalTrafficPolicy { get; init; }
    public string? InternalTrafficPolicy { get; init; }
}

/// <summary>One port; <see cref="TargetPort"/> is a number or a container port name.</summary>
public sealed record V1ServicePort
{
    public string? Name { get; init; }
    public int? Port { get; init; }
    public IntOrString? TargetPort { get; init; }
    public int? NodePort { get; init; }
    public string? Protocol { get; init; }
    public string? AppProtocol { get; init; }
}

/// <summary>Address given by a load balancer.</summary>
public sealed record V1ServiceStatus
{
    public V1LoadBalancerStatus? LoadBalancer { get; init; }
}

/// <summary>Entry points.</summary>
public sealed record V1LoadBalancerStatus
{
    public IReadOnlyList<V1LoadBalancerIngress>? Ingress { get; init; }
}

/// <summary>One entry point: address or host name.</summary>
public sealed record V1LoadBalancerIngress
{
    public string? Ip { get; init; }
    public string? Hostname { get; init; }
}

/// <summary>core/v1 Endpoints.</summary>
public sealed record V1Endpoints : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "Endpoints"; } = "Endpoints";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public IReadOnlyList<V1EndpointSubset>? Subsets { get; init; }
}

/// <summary>Every address with every port.</summary>
public sealed record V1EndpointSubset
{
    public IReadOnlyList<V1EndpointAddress>? Addresses { get; init; }
    public IReadOnlyList<V1EndpointAddress>? NotReadyAddresses { get; init; }
    public IReadOnlyList<Corev1EndpointPort>? Ports { get; init; }
}

/// <summary>One address and what is behind it.</summary>
public sealed record V1EndpointAddress
{
    public string? Ip { get; init; }
    public string? Hostname { get; init; }
    public string? NodeName { get; init; }
    public V1ObjectReference? TargetRef { get; init; }
}

/// <summary>A port of an <see cref="V1EndpointSubset"/>.</summary>
public sealed record Corev1EndpointPort
{
    public string? Name { get; init; }
    public int? Port { get; init; }
    public string? Protocol { get; init; }
    public string? AppProtocol { get; init; }
}

/// <summary>discovery.k8s.io/v1 EndpointSlice; the label <c>kubernetes.io/service-name</c> names its service.</summary>
public sealed record V1EndpointSlice : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "discovery.k8s.io/v1"; } = "discovery.k8s.io/v1";
    public string Kind { get; init => field = value ?? "EndpointSlice"; } = "EndpointSlice";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    /// <summary><c>IPv4</c>, <c>IPv6</c> or <c>FQDN</c>.</summary>
    public string? AddressType { get; init; }
    public IReadOnlyList<V1Endpoint>? Endpoints { get; init; }
    public IReadOnlyList<Discoveryv1EndpointPort>? Ports { get; init; }
}

/// <summary>One backend.</summary>
public sealed record V1Endpoint
{
    public IReadOnlyList<string>? Addresses { get; init; }
    public V1EndpointConditions? Conditions { get; init; }
    public string? Hostname { get; init; }
    public string? NodeName { get; init; }
    public string? Zone { get; init; }
    public V1ObjectReference? TargetRef { get; init; }
    public IReadOnlyDictionary<string, string>? DeprecatedTopology { get; init; }
}

/// <summary>Null <see cref="Ready"/> means ready.</summary>
public sealed record V1EndpointConditions
{
    public bool? Ready { get; init; }
    public bool? Serving { get; init; }
    public bool? Terminating { get; init; }
}

/// <summary>A port of an <see cref="V1EndpointSlice"/>.</summary>
public sealed record Discoveryv1EndpointPort
{
    public string? Name { get; init; }
    public int? Port { get; init; }
    public string? Protocol { get; init; }
    public string? AppProtocol { get; init; }
}

using MetricsOperator.LocalCluster.Store;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>What the parts of the cluster (controllers, kubelet, proxies) are given to work with.</summary>
public sealed class ClusterServices
{
    public required ClusterOptions Options { get; init; }

    public required ClusterApi Api { get; init; }

    /// <summary>Base address of the API, for example https://127.0.0.1:40123.</summary>
    public required Uri ApiUrl { get; init; }

    /// <summary>The certificate authority of the API in PEM, for service account folders (<c>ca.crt</c>).</summary>
    public required string CaCertificatePem { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILoggerFactory Logs { get; init; }

    /// <summary>Issues a bearer token for a pod's service account; it ends after the given lifetime and with the pod.</summary>
    public required Func<PodTokenRequest, string> IssuePodToken { get; init; }

    /// <summary>Set by the kubelet: answers <c>GET .../pods/{name}/log</c>. Until then that endpoint answers 503.</summary>
    public Func<PodLogRequest, Stream, CancellationToken, Task>? PodLogs { get; set; }

    /// <summary>Set by the ingress controller once it listens; goes into cluster.json.</summary>
    public Uri? IngressUrl { get; set; }

    /// <summary>Set by the kubelet: "cgroup v1", "cgroup v2", "rss polling" or "off"; goes into cluster.json.</summary>
    public string MemoryLimitsInForce { get; set; } = "off";
}

/// <summary>Whom a pod's service account token is for.</summary>
public sealed record PodTokenRequest(string Namespace, string ServiceAccount, string PodName, string PodUid, TimeSpan Lifetime);

/// <summary>The query of a log request; the reader writes plain log lines to the stream and, with <paramref name="Follow"/>, goes on until cancelled or the container ends.</summary>
/// <param name="Namespace">Namespace of the pod.</param>
/// <param name="Pod">Name of the pod.</param>
/// <param name="Container">Name of the container; never empty.</param>
/// <param name="Follow">Go on with new lines.</param>
/// <param name="Previous">The log of the run before the current one; the reader throws ApiStatusException 400 when there is none.</param>
/// <param name="Timestamps">Put an RFC 3339 time before each line.</param>
/// <param name="TailLines">Only this many last lines.</param>
/// <param name="SinceSeconds">Only lines younger than this.</param>
/// <param name="SinceTime">Only lines after this time.</param>
/// <param name="LimitBytes">Stop after this many bytes.</param>
public sealed record PodLogRequest(
    string Namespace,
    string Pod,
    string Container,
    bool Follow,
    bool Previous,
    bool Timestamps,
    long? TailLines,
    long? SinceSeconds,
    DateTimeOffset? SinceTime,
    long? LimitBytes);

using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Config;

/// <summary>One entry of <c>scrape_configs</c> with the global defaults filled in.</summary>
public sealed record ScrapeConfig
{
    public required string JobName { get; init; }

    public TimeSpan ScrapeInterval { get; init; }

    public TimeSpan ScrapeTimeout { get; init; }

    /// <summary>In order of preference.</summary>
    public IReadOnlyList<ScrapeProtocol> ScrapeProtocols { get; init; } = [];

    /// <summary>The format of answers without a usable Content-Type; null fails such scrapes.</summary>
    public ScrapeProtocol? FallbackScrapeProtocol { get; init; }

    public bool HonorLabels { get; init; }

    public bool HonorTimestamps { get; init; } = true;

    public bool TrackTimestampsStaleness { get; init; }

    public string MetricsPath { get; init; } = "/metrics";

    public string Scheme { get; init; } = "http";

    /// <summary>URL parameters, by name.</summary>
    public IReadOnlyList<KeyValuePair<string, IReadOnlyList<string>>> Params { get; init; } = [];

    public bool EnableCompression { get; init; } = true;

    public ScrapeLimits Limits { get; init; } = new();

    public HttpClientConfig Http { get; init; } = new();

    public IReadOnlyList<StaticConfig> StaticConfigs { get; init; } = [];

    public IReadOnlyList<KubernetesDiscoveryConfig> KubernetesConfigs { get; init; } = [];

    public RelabelConfig Relabel { get; init; } = RelabelConfig.None;

    public RelabelConfig MetricRelabel { get; init; } = RelabelConfig.None;

    /// <summary>Everything above as text, secrets included: two jobs with equal text behave alike. Never to be shown.</summary>
    public string Fingerprint { get; init; } = string.Empty;
}

/// <summary>Targets written in the file.</summary>
/// <param name="Targets">Values of <c>__address__</c>.</param>
/// <param name="Labels">Labels of all of them.</param>
public sealed record StaticConfig(IReadOnlyList<string> Targets, LabelSet Labels);

/// <summary>How to speak HTTP with targets of a job. File names are absolute.</summary>
public sealed record HttpClientConfig
{
    public BasicAuthConfig? BasicAuth { get; init; }

    public AuthorizationConfig? Authorization { get; init; }

    public TlsConfig Tls { get; init; } = new();

    public bool FollowRedirects { get; init; } = true;

    public bool EnableHttp2 { get; init; } = true;
}

/// <summary>User and password, the password inline or in a file that is read for every request.</summary>
public sealed record BasicAuthConfig(string Username, string UsernameFile, string Password, string PasswordFile);

/// <summary>The Authorization header: type and credentials, inline or in a file that is read for every request.</summary>
public sealed record AuthorizationConfig(string Type, string Credentials, string CredentialsFile);

/// <summary>TLS towards targets.</summary>
public sealed record TlsConfig
{
    /// <summary>PEM.</summary>
    public string Ca { get; init; } = string.Empty;

    public string CaFile { get; init; } = string.Empty;

    /// <summary>PEM.</summary>
    public string Cert { get; init; } = string.Empty;

    public string CertFile { get; init; } = string.Empty;

    /// <summary>PEM; a secret.</summary>
    public string Key { get; init; } = string.Empty;

    public string KeyFile { get; init; } = string.Empty;

    public string ServerName { get; init; } = string.Empty;

    public bool InsecureSkipVerify { get; init; }
}

/// <summary>What of a cluster becomes targets.</summary>
public enum KubernetesRole
{
    Node,
    Pod,
    Service,
    Endpoints,
    EndpointSlice,
}

/// <summary>One entry of <c>kubernetes_sd_configs</c>.</summary>
public sealed record KubernetesDiscoveryConfig
{
    public required KubernetesRole Role { get; init; }

    /// <summary>Absolute path of a kubeconfig; empty uses the pod's service account.</summary>
    public string KubeconfigFile { get; init; } = string.Empty;

    /// <summary>Namespaces to watch; all when empty.</summary>
    public IReadOnlyList<string> Namespaces { get; init; } = [];

    /// <summary>Adds the namespace that the server runs in.</summary>
    public bool OwnNamespace { get; init; }

    public IReadOnlyList<KubernetesSelector> Selectors { get; init; } = [];

    /// <summary>Adds the node's labels and annotations to pods and endpoints.</summary>
    public bool AttachNodeMetadata { get; init; }

    /// <summary>Adds the namespace's labels and annotations.</summary>
    public bool AttachNamespaceMetadata { get; init; }
}

/// <summary>Restricts what is watched of one kind.</summary>
/// <param name="Role">The kind it applies to (endpoints watch services and pods too).</param>
/// <param name="Label">Label selector, or empty.</param>
/// <param name="Field">Field selector, or empty.</param>
public sealed record KubernetesSelector(KubernetesRole Role, string Label, string Field);

using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Config;

/// <summary>Reads one entry of <c>kubernetes_sd_configs</c>.</summary>
internal static class KubernetesConfigReader
{
    private static readonly HashSet<string> Fields = ["role", "kubeconfig_file", "namespaces", "selectors", "attach_metadata", "follow_redirects", "enable_http2"];

    private static readonly HashSet<string> Later =
    [
        "api_server", "basic_auth", "authorization", "tls_config", "oauth2", "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers",
    ];

    public static KubernetesDiscoveryConfig Read(ConfigNode node, string folder)
    {
        var fields = node.AsFields("kubernetes_sd_config", Fields, Later);
        if (!fields.Has("role"))
        {
            throw fields.Error("role", "role missing (one of: pod, service, endpoints, endpointslice, node)");
        }

        // They concern the connection to the API server, which this client manages itself.
        fields.Bool("follow_redirects", true);
        fields.Bool("enable_http2", true);
        var role = ReadRole(fields["role"]);
        var namespaces = fields.Has("namespaces") ? fields["namespaces"].AsFields("namespaces", ["own_namespace", "names"]) : null;
        var attach = fields.Has("attach_metadata") ? fields["attach_metadata"].AsFields("attach_metadata", ["node", "namespace"]) : null;
        return new KubernetesDiscoveryConfig
        {
            Role = role,
            KubeconfigFile = HttpConfigReader.Absolute(fields.String("kubeconfig_file"), folder),
            Namespaces = namespaces?.List("names", n => n.AsString()) ?? [],
            OwnNamespace = namespaces?.Bool("own_namespace") ?? false,
            Selectors = fields.List("selectors", n => ReadSelector(n, role)),
            AttachNodeMetadata = attach?.Bool("node") ?? false,
            AttachNamespaceMetadata = attach?.Bool("namespace") ?? false,
        };
    }

    private static KubernetesSelector ReadSelector(ConfigNode node, KubernetesRole owner)
    {
        var fields = node.AsFields("selector", ["role", "label", "field"]);
        var role = fields.Has("role") ? ReadRole(fields["role"]) : throw fields.Error("role", "role missing");
        bool allowed = owner switch
        {
            KubernetesRole.Endpoints => role is KubernetesRole.Endpoints or KubernetesRole.Service or KubernetesRole.Pod,
            KubernetesRole.EndpointSlice => role is KubernetesRole.EndpointSlice or KubernetesRole.Service or KubernetesRole.Pod,
            KubernetesRole.Pod => role is KubernetesRole.Pod or KubernetesRole.Node,
            _ => role == owner,
        };
        return allowed
            ? new KubernetesSelector(role, fields.String("label"), fields.String("field"))
            : throw fields.Error("role", $"role {RoleName(owner)} does not support selectors for role {RoleName(role)}");
    }

    private static KubernetesRole ReadRole(ConfigNode node) => node.AsString() switch
    {
        "node" => KubernetesRole.Node,
        "pod" => KubernetesRole.Pod,
        "service" => KubernetesRole.Service,
        "endpoints" => KubernetesRole.Endpoints,
        "endpointslice" => KubernetesRole.EndpointSlice,
        "ingress" => throw node.Error("role ingress is not supported yet"),
        var other => throw node.Error($"unknown Kubernetes SD role {LabelNames.Quote(other)}"),
    };

    internal static string RoleName(KubernetesRole role) => role switch
    {
        KubernetesRole.Node => "node",
        KubernetesRole.Pod => "pod",
        KubernetesRole.Service => "service",
        KubernetesRole.Endpoints => "endpoints",
        _ => "endpointslice",
    };
}

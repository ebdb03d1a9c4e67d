using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Bootstrap;

/// <summary>Objects that every cluster has: system namespaces, default roles and the service of the API itself.</summary>
internal static class ClusterObjects
{
    /// <summary>Cluster address of the API's own service.</summary>
    public const string ApiServiceAddress = "127.96.0.1";

    private const string Manager = "kube-apiserver";
    private static readonly string[] ReadVerbs = ["get", "list", "watch"];
    private static readonly string[] WriteVerbs = ["create", "delete", "deletecollection", "patch", "update"];

    /// <summary>Creates what is missing.</summary>
    public static void Ensure(ClusterApi api)
    {
        foreach (var name in new[] { "default", "kube-system", "kube-public", "kube-node-lease" })
        {
            Create(api, "namespaces", null, name, new JsonObject());
        }

        EnsureRoles(api);
    }

    /// <summary>The <c>kubernetes</c> service and its endpoint, which is where the API listens now.</summary>
    public static void EnsureApiService(ClusterApi api, Uri url)
    {
        Create(api, "services", "default", "kubernetes", new JsonObject
        {
            ["spec"] = new JsonObject
            {
                ["type"] = "ClusterIP",
                ["clusterIP"] = ApiServiceAddress,
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = 443, ["targetPort"] = url.Port, ["protocol"] = "TCP" }),
            },
        });
        var slice = new JsonObject
        {
            ["apiVersion"] = "discovery.k8s.io/v1",
            ["kind"] = "EndpointSlice",
            ["metadata"] = new JsonObject { ["name"] = "kubernetes", ["namespace"] = "default", ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = "kubernetes" } },
            ["addressType"] = "IPv4",
            ["endpoints"] = new JsonArray(new JsonObject { ["addresses"] = new JsonArray(url.Host), ["conditions"] = new JsonObject { ["ready"] = true } }),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = url.Port, ["protocol"] = "TCP" }),
        };
        var endpoints = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Endpoints",
            ["metadata"] = new JsonObject { ["name"] = "kubernetes", ["namespace"] = "default", ["labels"] = new JsonObject { ["endpointslice.kubernetes.io/skip-mirror"] = "true" } },
            ["subsets"] = new JsonArray(new JsonObject
            {
                ["addresses"] = new JsonArray(new JsonObject { ["ip"] = url.Host }),
                ["ports"] = new JsonArray(new JsonObject { ["name"] = "https", ["port"] = url.Port, ["protocol"] = "TCP" }),
            }),
        };
        Put(api, "discovery.k8s.io/endpointslices", slice);
        Put(api, "endpoints", endpoints);
    }

    private static void Put(ClusterApi api, string resource, JsonObject obj)
    {
        if (api.Get(resource, obj.NamespaceOf(), obj.NameOf()) is null)
        {
            api.Create(resource, obj.NamespaceOf(), obj, Manager);
        }
        else
        {
            api.Update(resource, obj, Manager);
        }
    }

    private static void EnsureRoles(ClusterApi api)
    {
        var everything = Rule(["*"], ["*"], ["*"]);
        Role(api, "cluster-admin", everything, new JsonObject { ["nonResourceURLs"] = new JsonArray("*"), ["verbs"] = new JsonArray("*") });
        Role(api, "system:discovery", Paths("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version", "/version/"));
        Role(api, "system:public-info-viewer", Paths("/healthz", "/livez", "/readyz", "/version", "/version/"));
        Role(
            api,
            "system:basic-user",
            Rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
            Rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]));
        Role(api, "system:auth-delegator", Rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]), Rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]));

        string[] workloads = ["deployments", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale"];
        string[] core = ["configmaps", "endpoints", "events", "persistentvolumeclaims", "pods", "pods/log", "serviceaccounts", "services"];
        var view = new[]
        {
            Rule([string.Empty], [.. core, "namespaces"], ReadVerbs),
            Rule(["apps"], workloads, ReadVerbs),
            Rule(["networking.k8s.io"], ["ingresses"], ReadVerbs),
            Rule(["policy"], ["poddisruptionbudgets"], ReadVerbs),
            Rule(["discovery.k8s.io"], ["endpointslices"], ReadVerbs),
        };
        var edit = new[]
        {
            Rule([string.Empty], [.. core, "secrets", "pods/eviction"], [.. ReadVerbs, .. WriteVerbs]),
            Rule(["apps"], workloads, WriteVerbs),
            Rule(["networking.k8s.io"], ["ingresses"], WriteVerbs),
            Rule(["policy"], ["poddisruptionbudgets"], WriteVerbs),
            Rule(["coordination.k8s.io"], ["leases"], [.. ReadVerbs, .. WriteVerbs]),
        };
        Role(api, "view", [.. view.Select(r => r.Copy())]);
        Role(api, "edit", [.. view.Select(r => r.Copy()), .. edit.Select(r => r.Copy())]);
        Role(api, "admin", [.. view.Select(r => r.Copy()), .. edit.Select(r => r.Copy()), Rule(["rbac.authorization.k8s.io"], ["roles", "rolebindings"], [.. ReadVerbs, .. WriteVerbs])]);

        Bind(api, "cluster-admin", "cluster-admin", "system:masters");
        Bind(api, "system:discovery", "system:discovery", "system:authenticated");
        Bind(api, "system:public-info-viewer", "system:public-info-viewer", "system:authenticated", "system:unauthenticated");
        Bind(api, "system:basic-user", "system:basic-user", "system:authenticated");
    }

    private static JsonObject Rule(string[] groups, string[] resources, string[] verbs) => new()
    {
        ["apiGroups"] = JsonAccess.StringArray(groups),
        ["resources"] = JsonAccess.StringArray(resources),
        ["verbs"] = JsonAccess.StringArray(verbs),
    };

    private static JsonObject Paths(params string[] paths) => new() { ["nonResourceURLs"] = JsonAccess.StringArray(paths), ["verbs"] = new JsonArray("get") };

    private static void Role(ClusterApi api, string name, params JsonObject[] rules) =>
        Create(api, "rbac.authorization.k8s.io/clusterroles", null, name, new JsonObject { ["rules"] = new JsonArray([.. rules]) });

    private static void Bind(ClusterApi api, string name, string role, params string[] groups) =>
        Create(api, "rbac.authorization.k8s.io/clusterrolebindings", null, name, new JsonObject
        {
            ["roleRef"] = new JsonObject { ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = "ClusterRole", ["name"] = role },
            ["subjects"] = new JsonArray([.. groups.Select(g => (JsonNode)new JsonObject { ["apiGroup"] = "rbac.authorization.k8s.io", ["kind"] = "Group", ["name"] = g })]),
        });

    private static void Create(ClusterApi api, string resource, string? ns, string name, JsonObject obj)
    {
        if (api.Get(resource, ns, name) is null)
        {
            obj.Metadata()["name"] = name;
            api.Create(resource, ns, obj, Manager);
        }
    }
}

using MetricsOperator.KubeClient.Models;
using Json = MetricsOperator.KubeClient.Models.KubeJsonContext;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>The catalogue of built-in kinds. Custom kinds are values of <see cref="ResourceKind{T}"/> declared beside their types.</summary>
public static class ResourceKinds
{
    private const string Apps = "apps";
    private const string Rbac = "rbac.authorization.k8s.io";

    public static readonly ResourceKind<V1Pod> Pods = new("", "v1", "pods", "Pod", true, Json.Default.V1Pod);
    public static readonly ResourceKind<V1Service> Services = new("", "v1", "services", "Service", true, Json.Default.V1Service);
    public static readonly ResourceKind<V1Endpoints> Endpoints = new("", "v1", "endpoints", "Endpoints", true, Json.Default.V1Endpoints);
    public static readonly ResourceKind<V1EndpointSlice> EndpointSlices = new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true, Json.Default.V1EndpointSlice);
    public static readonly ResourceKind<V1ConfigMap> ConfigMaps = new("", "v1", "configmaps", "ConfigMap", true, Json.Default.V1ConfigMap);
    public static readonly ResourceKind<V1Secret> Secrets = new("", "v1", "secrets", "Secret", true, Json.Default.V1Secret);
    public static readonly ResourceKind<V1PersistentVolumeClaim> PersistentVolumeClaims = new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, Json.Default.V1PersistentVolumeClaim);
    public static readonly ResourceKind<V1ServiceAccount> ServiceAccounts = new("", "v1", "serviceaccounts", "ServiceAccount", true, Json.Default.V1ServiceAccount);
    public static readonly ResourceKind<V1Namespace> Namespaces = new("", "v1", "namespaces", "Namespace", false, Json.Default.V1Namespace);
    public static readonly ResourceKind<V1Node> Nodes = new("", "v1", "nodes", "Node", false, Json.Default.V1Node);
    public static readonly ResourceKind<V1Deployment> Deployments = new(Apps, "v1", "deployments", "Deployment", true, Json.Default.V1Deployment);
    public static readonly ResourceKind<V1ReplicaSet> ReplicaSets = new(Apps, "v1", "replicasets", "ReplicaSet", true, Json.Default.V1ReplicaSet);
    public static readonly ResourceKind<V1StatefulSet> StatefulSets = new(Apps, "v1", "statefulsets", "StatefulSet", true, Json.Default.V1StatefulSet);
    public static readonly ResourceKind<V1PodDisruptionBudget> PodDisruptionBudgets = new("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, Json.Default.V1PodDisruptionBudget);
    public static readonly ResourceKind<V1Ingress> Ingresses = new("networking.k8s.io", "v1", "ingresses", "Ingress", true, Json.Default.V1Ingress);
    public static readonly ResourceKind<V1StorageClass> StorageClasses = new("storage.k8s.io", "v1", "storageclasses", "StorageClass", false, Json.Default.V1StorageClass);
    public static readonly ResourceKind<V1Role> Roles = new(Rbac, "v1", "roles", "Role", true, Json.Default.V1Role);
    public static readonly ResourceKind<V1RoleBinding> RoleBindings = new(Rbac, "v1", "rolebindings", "RoleBinding", true, Json.Default.V1RoleBinding);
    public static readonly ResourceKind<V1ClusterRole> ClusterRoles = new(Rbac, "v1", "clusterroles", "ClusterRole", false, Json.Default.V1ClusterRole);
    public static readonly ResourceKind<V1ClusterRoleBinding> ClusterRoleBindings = new(Rbac, "v1", "clusterrolebindings", "ClusterRoleBinding", false, Json.Default.V1ClusterRoleBinding);
    public static readonly ResourceKind<V1SelfSubjectAccessReview> SelfSubjectAccessReviews = new("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, Json.Default.V1SelfSubjectAccessReview);
    public static readonly ResourceKind<Eventsv1Event> Events = new("events.k8s.io", "v1", "events", "Event", true, Json.Default.Eventsv1Event);
    public static readonly ResourceKind<V1Lease> Leases = new("coordination.k8s.io", "v1", "leases", "Lease", true, Json.Default.V1Lease);
    public static readonly ResourceKind<V1CustomResourceDefinition> CustomResourceDefinitions = new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false, Json.Default.V1CustomResourceDefinition);

    private static readonly Dictionary<(string ApiVersion, string Kind), ResourceKind> ByKind = All.ToDictionary(k => (k.ApiVersion, k.Kind));

    /// <summary>Every built-in kind.</summary>
    public static IReadOnlyList<ResourceKind> All =>
    [
        Pods, Services, Endpoints, EndpointSlices, ConfigMaps, Secrets, PersistentVolumeClaims, ServiceAccounts, Namespaces, Nodes, Deployments, ReplicaSets,
        StatefulSets, PodDisruptionBudgets, Ingresses, StorageClasses, Roles, RoleBindings, ClusterRoles, ClusterRoleBindings, SelfSubjectAccessReviews, Events,
        Leases, CustomResourceDefinitions,
    ];

    /// <summary>The built-in kind with this apiVersion and kind, or null.</summary>
    public static ResourceKind? Find(string apiVersion, string kind) => ByKind.GetValueOrDefault((apiVersion, kind));
}

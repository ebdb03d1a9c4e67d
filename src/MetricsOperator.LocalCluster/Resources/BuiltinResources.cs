using MetricsOperator.LocalCluster.Rules;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Tables;

namespace MetricsOperator.LocalCluster.Resources;

/// <summary>The built-in resources and how they differ from each other.</summary>
internal static class BuiltinResources
{
    private static readonly ScalePaths WorkloadScale = new(".spec.replicas", ".status.replicas", ".spec.selector");
    private static readonly string[] CreateOnly = ["create"];

    public static IReadOnlyList<ResourceDefinition> Create(SchemaFile schemas)
    {
        return
        [
            Define("", "v1", "namespaces", "Namespace", "io.k8s.api.core.v1", cluster: true, status: true, shortNames: ["ns"], rules: new NamespaceRules()),
            Define("", "v1", "nodes", "Node", "io.k8s.api.core.v1", cluster: true, status: true, shortNames: ["no"]),
            Define("", "v1", "pods", "Pod", "io.k8s.api.core.v1", status: true, shortNames: ["po"], all: true, rules: new PodRules()),
            Define("", "v1", "services", "Service", "io.k8s.api.core.v1", status: true, shortNames: ["svc"], all: true, rules: new ServiceRules()),
            Define("", "v1", "endpoints", "Endpoints", "io.k8s.api.core.v1", singular: "endpoints", shortNames: ["ep"]),
            Define("", "v1", "configmaps", "ConfigMap", "io.k8s.api.core.v1", shortNames: ["cm"], rules: new ConfigMapRules()),
            Define("", "v1", "secrets", "Secret", "io.k8s.api.core.v1", rules: new SecretRules()),
            Define("", "v1", "events", "Event", "io.k8s.api.core.v1", shortNames: ["ev"], rules: new EventRules()),
            Define("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "io.k8s.api.core.v1", status: true, shortNames: ["pvc"], rules: new PersistentVolumeClaimRules()),
            Define("", "v1", "persistentvolumes", "PersistentVolume", "io.k8s.api.core.v1", cluster: true, status: true, shortNames: ["pv"], rules: new PersistentVolumeRules()),
            Define("", "v1", "serviceaccounts", "ServiceAccount", "io.k8s.api.core.v1", shortNames: ["sa"]),
            Define("apps", "v1", "deployments", "Deployment", "io.k8s.api.apps.v1", status: true, generation: true, scale: WorkloadScale, shortNames: ["deploy"], all: true, rules: new WorkloadRules("Deployment")),
            Define("apps", "v1", "replicasets", "ReplicaSet", "io.k8s.api.apps.v1", status: true, generation: true, scale: WorkloadScale, shortNames: ["rs"], all: true, rules: new WorkloadRules("ReplicaSet")),
            Define("apps", "v1", "statefulsets", "StatefulSet", "io.k8s.api.apps.v1", status: true, generation: true, scale: WorkloadScale, shortNames: ["sts"], all: true, rules: new WorkloadRules("StatefulSet")),
            Define("events.k8s.io", "v1", "events", "Event", "io.k8s.api.events.v1", shortNames: ["ev"], rules: new EventRules(), events: true),
            Define("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", "io.k8s.api.authentication.v1", cluster: true, verbs: CreateOnly),
            Define("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", "io.k8s.api.authentication.v1", cluster: true, verbs: CreateOnly),
            Define("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", "io.k8s.api.authorization.v1", cluster: true, verbs: CreateOnly),
            Define("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", "io.k8s.api.authorization.v1", cluster: true, verbs: CreateOnly),
            Define("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", "io.k8s.api.authorization.v1", cluster: true, verbs: CreateOnly),
            Define("authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", "io.k8s.api.authorization.v1", verbs: CreateOnly),
            Define("networking.k8s.io", "v1", "ingresses", "Ingress", "io.k8s.api.networking.v1", singular: "ingress", status: true, generation: true, shortNames: ["ing"], rules: new IngressRules()),
            Define("networking.k8s.io", "v1", "ingressclasses", "IngressClass", "io.k8s.api.networking.v1", singular: "ingressclass", cluster: true, generation: true),
            Define("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "io.k8s.api.policy.v1", status: true, generation: true, shortNames: ["pdb"], rules: new DisruptionBudgetRules()),
            Define("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", "io.k8s.api.rbac.v1", cluster: true, rules: new RoleRules()),
            Define("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", "io.k8s.api.rbac.v1", cluster: true, rules: new RoleRules()),
            Define("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", "io.k8s.api.rbac.v1", rules: new RoleRules()),
            Define("rbac.authorization.k8s.io", "v1", "roles", "Role", "io.k8s.api.rbac.v1", rules: new RoleRules()),
            Define("storage.k8s.io", "v1", "storageclasses", "StorageClass", "io.k8s.api.storage.v1", singular: "storageclass", cluster: true, shortNames: ["sc"]),
            Define("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1", cluster: true, status: true, generation: true, shortNames: ["crd", "crds"], rules: new CustomResourceDefinitionRules()),
            Define("coordination.k8s.io", "v1", "leases", "Lease", "io.k8s.api.coordination.v1"),
            Define("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "io.k8s.api.discovery.v1", generation: true),
        ];

        ResourceDefinition Define(
            string group,
            string version,
            string plural,
            string kind,
            string package,
            string? singular = null,
            bool cluster = false,
            bool status = false,
            bool generation = false,
            ScalePaths? scale = null,
            string[]? shortNames = null,
            bool all = false,
            ResourceRules? rules = null,
            string[]? verbs = null,
            bool events = false)
        {
            var schema = WithTypeMeta(schemas.Find($"{package}.{kind}"), schemas);
            var definition = new ResourceDefinition
            {
                Group = group,
                Version = version,
                Plural = plural,
                Singular = singular ?? kind.ToLowerInvariant(),
                Kind = kind,
                ShortNames = shortNames ?? [],
                Categories = all ? ["all"] : plural == "customresourcedefinitions" ? ["api-extensions"] : [],
                Namespaced = !cluster,
                Schema = schema,
                SchemaName = $"{package}.{kind}",
                HasStatus = status,
                HasGeneration = generation,
                Scale = scale,
                Rules = rules ?? ResourceRules.None,
                Columns = BuiltinColumns.For(kind),
                Verbs = verbs ?? ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                FromStored = events ? EventConversion.FromCore : null,
                ToStored = events ? EventConversion.ToCore : null,
                StorageKey = events ? "events" : group.Length == 0 ? plural : $"{group}/{plural}",
                StoredApiVersion = events ? "v1" : group.Length == 0 ? version : $"{group}/{version}",
            };
            return definition;
        }
    }

    /// <summary>Puts apiVersion, kind and metadata in front of a kind's own fields.</summary>
    private static SchemaNode WithTypeMeta(SchemaNode type, SchemaFile schemas)
    {
        if (type.Properties.ContainsKey("apiVersion"))
        {
            return type;
        }

        type.Properties["apiVersion"] = new SchemaNode { Type = "string", GoName = "string", Description = "APIVersion defines the versioned schema of this representation of an object." };
        type.Properties["kind"] = new SchemaNode { Type = "string", GoName = "string", Description = "Kind is a string value representing the REST resource this object represents." };
        if (!type.Properties.ContainsKey("metadata"))
        {
            type.Properties["metadata"] = schemas.Find("ObjectMeta");
        }

        return type;
    }
}

namespace MetricsOperator.KubeClient.Models;

/// <summary>core/v1 ServiceAccount.</summary>
public sealed record V1ServiceAccount : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "ServiceAccount"; } = "ServiceAccount";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public bool? AutomountServiceAccountToken { get; init; }
    public IReadOnlyList<V1LocalObjectReference>? ImagePullSecrets { get; init; }
}

/// <summary>rbac/v1 Role.</summary>
public sealed record V1Role : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "rbac.authorization.k8s.io/v1"; } = "rbac.authorization.k8s.io/v1";
    public string Kind { get; init => field = value ?? "Role"; } = "Role";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public IReadOnlyList<V1PolicyRule>? Rules { get; init; }
}

/// <summary>rbac/v1 ClusterRole.</summary>
public sealed record V1ClusterRole : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "rbac.authorization.k8s.io/v1"; } = "rbac.authorization.k8s.io/v1";
    public string Kind { get; init => field = value ?? "ClusterRole"; } = "ClusterRole";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public IReadOnlyList<V1PolicyRule>? Rules { get; init; }
}

/// <summary>rbac/v1 RoleBinding.</summary>
public sealed record V1RoleBinding : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "rbac.authorization.k8s.io/v1"; } = "rbac.authorization.k8s.io/v1";
    public string Kind { get; init => field = value ?? "RoleBinding"; } = "RoleBinding";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1RoleRef? RoleRef { get; init; }
    public IReadOnlyList<Rbacv1Subject>? Subjects { get; init; }
}

/// <summary>rbac/v1 ClusterRoleBinding.</summary>
public sealed record V1ClusterRoleBinding : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "rbac.authorization.k8s.io/v1"; } = "rbac.authorization.k8s.io/v1";
    public string Kind { get; init => field = value ?? "ClusterRoleBinding"; } = "ClusterRoleBinding";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1RoleRef? RoleRef { get; init; }
    public IReadOnlyList<Rbacv1Subject>? Subjects { get; init; }
}

/// <summary>Verbs allowed on resources or on plain URLs.</summary>
public sealed record V1PolicyRule
{
    public IReadOnlyList<string>? ApiGroups { get; init; }
    public IReadOnlyList<string>? Resources { get; init; }
    public IReadOnlyList<string>? ResourceNames { get; init; }
    public IReadOnlyList<string>? Verbs { get; init; }
    public IReadOnlyList<string>? NonResourceURLs { get; init; }
}

/// <summary>The role that is bound; immutable.</summary>
public sealed record V1RoleRef
{
    public string? ApiGroup { get; init; }
    public string? Kind { get; init; }
    public string? Name { get; init; }
}

/// <summary>Who gets the role.</summary>
public sealed record Rbacv1Subject
{
    public string? ApiGroup { get; init; }
    public string? Kind { get; init; }
    public string? Name { get; init; }
    public string? Namespace { get; init; }
}

/// <summary>Asks "may I?"; create it and read the status.</summary>
public sealed record V1SelfSubjectAccessReview : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "authorization.k8s.io/v1"; } = "authorization.k8s.io/v1";
    public string Kind { get; init => field = value ?? "SelfSubjectAccessReview"; } = "SelfSubjectAccessReview";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1SelfSubjectAccessReviewSpec? Spec { get; init; }
    public V1SubjectAccessReviewStatus? Status { get; init; }
}

/// <summary>What is to be checked.</summary>
public sealed record V1SelfSubjectAccessReviewSpec
{
    public V1ResourceAttributes? ResourceAttributes { get; init; }
}

/// <summary>An action on a resource; no namespace means all.</summary>
public sealed record V1ResourceAttributes
{
    public string? Namespace { get; init; }
    public string? Verb { get; init; }
    public string? Group { get; init; }
    public string? Version { get; init; }
    public string? Resource { get; init; }
    public string? Subresource { get; init; }
    public string? Name { get; init; }
}

/// <summary>The answer.</summary>
public sealed record V1SubjectAccessReviewStatus
{
    public bool? Allowed { get; init; }
    public bool? Denied { get; init; }
    public string? Reason { get; init; }
    public string? EvaluationError { get; init; }
}

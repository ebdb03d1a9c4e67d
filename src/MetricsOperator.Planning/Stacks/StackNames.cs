using System.Globalization;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Stacks;

/// <summary>Names and labels of what belongs to a stack.</summary>
public static class StackNames
{
    public const string FieldManager = "metrics-operator";
    public const string ServerContainer = "server";
    public const string ConfigVolume = "config";
    public const string DataVolume = "data";
    public const int WebPort = 9090;
    public const string WebPortName = "web";

    public const string ManagedByLabel = "app.kubernetes.io/managed-by";
    public const string StackLabel = ApiKinds.Group + "/stack";
    public const string StackNamespaceLabel = ApiKinds.Group + "/stack-namespace";
    public const string ReplicaLabel = ApiKinds.Group + "/replica";

    /// <summary>On every owned object: hash of what was applied, so that a removed field is noticed too.</summary>
    public const string HashAnnotation = ApiKinds.Group + "/applied-hash";

    /// <summary>On pods: touched so that the kubelet refreshes mounted files at once.</summary>
    public const string ConfigAnnotation = ApiKinds.Group + "/config-hash";

    /// <summary>Key of the ConfigMap that holds the spec the configuration was rendered from.</summary>
    public const string SpecKey = "spec.json";

    /// <summary>Key of the ConfigMap that holds the generation of <see cref="SpecKey"/>.</summary>
    public const string GenerationAnnotation = ApiKinds.Group + "/generation";

    public static string Config(string stack) => stack + "-config";

    public static string Overlay(string stack) => stack + "-overlay";

    public static string Credentials(string stack) => stack + "-credentials";

    public static string ServiceAccount(string stack) => stack + "-server";

    public static string Discovery(string stack) => stack + "-discovery";

    /// <summary>Deployment and Service of one replica.</summary>
    public static string Replica(string stack, int index) => string.Create(CultureInfo.InvariantCulture, $"{stack}-{index}");

    public static string Claim(string stack, int index) => Replica(stack, index) + "-data";

    /// <summary>Name of cluster-wide or foreign-namespace objects of a stack.</summary>
    public static string Foreign(string ns, string stack) => $"metricsoperator:{ns}:{stack}";

    /// <summary>Selects the pods of all replicas.</summary>
    public static Dictionary<string, string> PodSelector(string stack) => new(StringComparer.Ordinal)
    {
        ["app.kubernetes.io/name"] = "metricsoperator-server",
        [StackLabel] = stack,
    };

    /// <summary>Selects the pods of one replica.</summary>
    public static Dictionary<string, string> PodSelector(string stack, int index)
    {
        var selector = PodSelector(stack);
        selector[ReplicaLabel] = index.ToString(CultureInfo.InvariantCulture);
        return selector;
    }

    /// <summary>Labels of every owned object.</summary>
    public static Dictionary<string, string> Labels(string stack) => new(StringComparer.Ordinal)
    {
        ["app.kubernetes.io/name"] = "metricsoperator-server",
        ["app.kubernetes.io/instance"] = stack,
        [ManagedByLabel] = FieldManager,
        [StackLabel] = stack,
    };

    /// <summary>The selector as text, for status and list requests.</summary>
    public static string SelectorText(string stack) => string.Join(',', PodSelector(stack).Select(l => $"{l.Key}={l.Value}"));

    /// <summary>Makes the stack the owner: deleting it removes the object.</summary>
    public static V1OwnerReference Owner(MetricsStack stack) => new()
    {
        ApiVersion = stack.ApiVersion,
        Kind = stack.Kind,
        Name = stack.Metadata.Name,
        Uid = stack.Metadata.Uid,
        Controller = true,
        BlockOwnerDeletion = true,
    };
}

using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>The API group and its kinds.</summary>
public static class ApiKinds
{
    public const string Group = "metricsoperator.dev";
    public const string Version = "v1alpha1";
    public const string GroupVersion = Group + "/" + Version;

    public static readonly ResourceKind<MetricsStack> Stacks = new(Group, Version, "metricsstacks", "MetricsStack", true, ApiJson.Default.MetricsStack);
    public static readonly ResourceKind<MetricsKeepList> KeepLists = new(Group, Version, "metricskeeplists", "MetricsKeepList", true, ApiJson.Default.MetricsKeepList);
}

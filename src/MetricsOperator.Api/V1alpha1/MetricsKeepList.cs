using System.ComponentModel;
using MetricsOperator.Api.Schema;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>The metrics that matter, shared by stacks of a namespace.</summary>
[Description("MetricsKeepList names metrics that are worth keeping when memory is short.")]
[CustomResource(ApiKinds.Group, ApiKinds.Version, "MetricsKeepList", "metricskeeplists", ShortNames = ["mkeep"], Categories = ["metrics"])]
[PrinterColumn("Metrics", "string", ".spec.metrics", "The metrics kept.", Priority = 1)]
[PrinterColumn("Age", "date", ".metadata.creationTimestamp", "Time since creation.")]
public sealed record MetricsKeepList : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? ApiKinds.GroupVersion; } = ApiKinds.GroupVersion;

    public string Kind { get; init => field = value ?? "MetricsKeepList"; } = "MetricsKeepList";

    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();

    [RequiredField]
    [Description("What is kept.")]
    public MetricsKeepListSpec Spec { get; init => field = value ?? new(); } = new();
}

/// <summary>Names of metrics.</summary>
public sealed record MetricsKeepListSpec
{
    [Description("Why these metrics, for the people who read the list later.")]
    [Bounds(0, 1024)]
    public string? Description { get; set; }

    [RequiredField]
    [Description("Metric names; each is an anchored regular expression. up, the scrape_ metrics and protected metrics are always kept.")]
    [Bounds(1, 2000)]
    public List<string> Metrics { get; set; } = [];
}

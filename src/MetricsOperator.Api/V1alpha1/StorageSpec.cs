using System.ComponentModel;
using MetricsOperator.Api.Schema;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>Where each server keeps its data directory.</summary>
public sealed record StorageSpec
{
    public const string PersistentVolumeClaim = "PersistentVolumeClaim";
    public const string EmptyDir = "EmptyDir";

    [Description("Size of the volume of each server. It may grow, never shrink. Default: 10Gi.")]
    [Pattern(Quantity.Pattern)]
    [Bounds(1, 32)]
    public string Size { get; set; } = "10Gi";

    [Description("Storage class of the claims. Default: the cluster's default class.")]
    [Bounds(1, 253)]
    public string? StorageClassName { get; set; }

    [Description("PersistentVolumeClaim survives the pod; EmptyDir is lost with it. Default: PersistentVolumeClaim.")]
    [AllowedValues(PersistentVolumeClaim, EmptyDir)]
    public string Volume { get; set; } = PersistentVolumeClaim;

    [Description("How long samples are kept.")]
    public RetentionSpec Retention { get; set; } = new();

    [Description("What happens to claims that are not needed any more.")]
    public ClaimRetentionSpec ClaimRetention { get; set; } = new();
}

/// <summary>The two limits of a data directory; whichever is reached first deletes the oldest blocks.</summary>
public sealed record RetentionSpec
{
    [Description("Age after which samples are deleted. Default: 15d.")]
    [Pattern(MetricsDuration.LongPattern)]
    [Bounds(2, 32)]
    public string Time { get; set; } = "15d";

    [Description("Size of the data directory above which the oldest blocks are deleted: bytes, or percent of the volume. Default: 80%.")]
    [Pattern("^([0-9]+(\\.[0-9]+)?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?|[1-9][0-9]?%|100%)$")]
    [Bounds(1, 32)]
    public string Size { get; set; } = "80%";
}

/// <summary>Retain keeps a claim and its data, Delete removes both.</summary>
public sealed record ClaimRetentionSpec
{
    public const string Retain = "Retain";
    public const string Delete = "Delete";

    [Description("When the stack is deleted. Default: Retain.")]
    [AllowedValues(Retain, Delete)]
    public string WhenDeleted { get; set; } = Retain;

    [Description("When replicas shrink. Default: Retain.")]
    [AllowedValues(Retain, Delete)]
    public string WhenScaled { get; set; } = Retain;
}

/// <summary>The one number that everything else follows from.</summary>
public sealed record MemorySpec
{
    public const string Enforce = "Enforce";
    public const string Observe = "Observe";

    /// <summary>Below this a server cannot even replay an empty log safely.</summary>
    public const string SmallestBudget = "64Mi";

    [RequiredField]
    [Description("Memory that each server may use. It becomes the memory limit of the pod; at least 64Mi.")]
    [Pattern(Quantity.Pattern)]
    [Bounds(1, 32)]
    public string Budget { get; set; } = string.Empty;

    [Description("Enforce: the server keeps itself inside the budget, admitting fewer new series when memory is short. Observe: it only counts what it would refuse. Default: Enforce.")]
    [AllowedValues(Enforce, Observe)]
    public string Guard { get; set; } = Enforce;

    [Description("Memory that a step of the overload policy may raise the budget to. Absent: the budget is never raised.")]
    [Pattern(Quantity.Pattern)]
    [Bounds(1, 32)]
    public string? Max { get; set; }

    [Description("Memory request of the pod. Default: the budget, which protects the pod from eviction.")]
    [Pattern(Quantity.Pattern)]
    [Bounds(1, 32)]
    public string? Request { get; set; }
}

using System.ComponentModel;
using MetricsOperator.Api.Schema;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>What may happen without a human when a server dies of memory.</summary>
public sealed record OverloadSpec
{
    public const string Auto = "Auto";
    public const string Recommend = "Recommend";
    public const string Off = "Off";

    [Description("Auto applies steps, Recommend shows in status what it would apply, Off only reports deaths. Default: Auto.")]
    [AllowedValues(Auto, Recommend, Off)]
    public string Mode { get; set; } = Auto;

    [Description("What may be changed, in this order; each memory death leads to at most one step. Default: RaiseInterval, then ApplyKeepLists.")]
    [Bounds(0, 8)]
    [ListMapKey("name")]
    public List<OverloadStep>? Steps { get; set; }

    [Description("Least time between two steps. Default: 0s, because a second death under a tightened configuration proves that it is not enough.")]
    [Pattern(MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string Cooldown { get; set; } = "0s";

    [Description("When steps are taken back.")]
    public RelaxSpec Relax { get; set; } = new();

    [Description("Id of an incident up to which the history counts as dealt with: the steps it led to are taken back at once.")]
    [Bounds(1, 128)]
    public string? AcknowledgedIncident { get; set; }
}

/// <summary>One rung of the ladder and its bounds.</summary>
public sealed record OverloadStep
{
    public const string RaiseInterval = "RaiseInterval";
    public const string ApplyKeepLists = "ApplyKeepLists";

    [RequiredField]
    [Description("RaiseInterval scrapes less often; ApplyKeepLists stores only what the keep-lists of the jobs name.")]
    [AllowedValues(RaiseInterval, ApplyKeepLists)]
    public string Name { get; set; } = string.Empty;

    [Description("RaiseInterval: longest interval; at most 2m, half of the time after which a series counts as gone. Default: 1m.")]
    [Pattern(MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string? MaxInterval { get; set; }

    [Description("RaiseInterval: how many times the interval is multiplied. Default: 4.")]
    [Bounds(2, 100)]
    public int? Factor { get; set; }

    [Description("ApplyKeepLists: MetricsKeepLists for the jobs that name none of their own.")]
    [Bounds(0, 32)]
    [ListSet]
    public List<string>? KeepLists { get; set; }
}

/// <summary>The way back.</summary>
public sealed record RelaxSpec
{
    [Description("Quiet time after which the last step is taken back, one at a time; it doubles with each relapse. Default: 1h.")]
    [Pattern(MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string After { get; set; } = "1h";

    [Description("How many times a step is taken back before it stays for good. Default: 3.")]
    [Bounds(0, 100)]
    public int MaxAttempts { get; set; } = 3;
}

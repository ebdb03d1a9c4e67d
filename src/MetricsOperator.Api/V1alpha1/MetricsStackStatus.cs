using System.ComponentModel;
using System.Text.Json.Serialization;
using MetricsOperator.Api.Schema;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>Everything here can be computed again from the objects of the stack and its overlay ConfigMap.</summary>
public sealed record MetricsStackStatus
{
    [Description("Generation of the spec that this status is about.")]
    public long? ObservedGeneration { get; set; }

    [Description("Servers that exist.")]
    public int? Replicas { get; set; }

    [Description("Servers that answer queries.")]
    public int? ReadyReplicas { get; set; }

    [Description("Servers that run the current pod template.")]
    public int? UpdatedReplicas { get; set; }

    [Description("Selector of the servers' pods.")]
    public string? Selector { get; set; }

    [Description("Ready, Reconciling, Stalled, ConfigValid, ConfigApplied, StorageReady and Overloaded.")]
    [ListMapKey("type")]
    public List<StackCondition>? Conditions { get; set; }

    [Description("The server configuration that was rendered and who runs it.")]
    public ConfigurationStatus? Configuration { get; set; }

    [Description("What is in force after reactions.")]
    public EffectiveStatus? Effective { get; set; }

    [Description("What died, what was changed, and what it is expected to save.")]
    public OverloadStatus? Overload { get; set; }

    [Description("The volumes.")]
    public StorageStatus? Storage { get; set; }
}

/// <summary>A condition in the common shape of Kubernetes.</summary>
public sealed record StackCondition
{
    [RequiredField]
    [Description("Name of the condition.")]
    public string Type { get; set; } = string.Empty;

    [RequiredField]
    [Description("True, False or Unknown.")]
    [AllowedValues("True", "False", "Unknown")]
    public string Status { get; set; } = string.Empty;

    [Description("Generation of the spec that the condition is about.")]
    public long? ObservedGeneration { get; set; }

    [RequiredField]
    [Description("When the status changed last.")]
    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset LastTransitionTime { get; set; }

    [RequiredField]
    [Description("Why, as one word.")]
    public string Reason { get; set; } = string.Empty;

    [RequiredField]
    [Description("Why, as a sentence.")]
    public string Message { get; set; } = string.Empty;
}

/// <summary>Hashes are SHA-256 of the configuration file, in hexadecimal.</summary>
public sealed record ConfigurationStatus
{
    [Description("Hash of the configuration that the servers should run.")]
    public string? DesiredHash { get; set; }

    [Description("Hash that every server runs; absent while they differ.")]
    public string? AppliedHash { get; set; }

    [Description("Servers that run the desired configuration.")]
    public int? AppliedReplicas { get; set; }

    [Description("Last generation whose spec was valid; its configuration is the one that runs.")]
    public long? LastGoodGeneration { get; set; }

    [Description("Scrape jobs in the configuration.")]
    public int? Jobs { get; set; }
}

/// <summary>The settings in force.</summary>
public sealed record EffectiveStatus
{
    [Description("Longest scrape interval in force.")]
    public string? Interval { get; set; }

    [Description("Keep-lists in force.")]
    public List<string>? KeepLists { get; set; }

    [Description("Image of the servers.")]
    public string? Image { get; set; }
}

/// <summary>The story of the memory deaths of a stack.</summary>
public sealed record OverloadStatus
{
    [Description("How many steps are active.")]
    public int Level { get; set; }

    [Description("Steps in force.")]
    public List<ActiveStep>? ActiveSteps { get; set; }

    [Description("Steps that would be applied if the mode were Auto.")]
    public List<ActiveStep>? Proposed { get; set; }

    [Description("The newest death.")]
    public IncidentStatus? LastIncident { get; set; }

    [Description("The last ten deaths, newest first.")]
    [Bounds(0, 10)]
    public List<IncidentStatus>? Incidents { get; set; }

    [Description("When the last step is taken back if nothing dies before.")]
    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? RelaxAfter { get; set; }
}

/// <summary>One change that the operator made or proposes.</summary>
public sealed record ActiveStep
{
    [RequiredField]
    [Description("Name of the step.")]
    public string Name { get; set; } = string.Empty;

    [Description("What was changed.")]
    public string? Detail { get; set; }

    [Description("What it is expected to save.")]
    public string? Expected { get; set; }

    [Description("Id of the incident that led to it.")]
    public string? Incident { get; set; }

    [Description("Since when.")]
    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? Since { get; set; }
}

/// <summary>One death of a server's container.</summary>
public sealed record IncidentStatus
{
    [RequiredField]
    [Description("Id of the incident.")]
    public string Id { get; set; } = string.Empty;

    [Description("Cause: OutOfMemory, ReplayTooSlow, BadConfig, DiskFull and others.")]
    public string? Class { get; set; }

    [Description("Why this cause.")]
    public string? Explanation { get; set; }

    [Description("What was done about it.")]
    public string? Response { get; set; }

    [Description("Pod that the container belonged to.")]
    public string? Pod { get; set; }

    [Description("Name of the container.")]
    public string? Container { get; set; }

    [Description("Exit code of the container.")]
    public int? ExitCode { get; set; }

    [Description("Reason that Kubernetes gave.")]
    public string? Reason { get; set; }

    [Description("What the server was doing: replay, ready or stopping.")]
    public string? Phase { get; set; }

    [Description("When it died.")]
    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? At { get; set; }

    [Description("Memory of the process shortly before, in bytes.")]
    public long? RssBytes { get; set; }

    [Description("Memory budget at that time, in bytes.")]
    public long? BudgetBytes { get; set; }

    [Description("Series in memory shortly before.")]
    public long? HeadSeries { get; set; }

    [Description("Metrics with the most series shortly before.")]
    public List<MetricSeriesCount>? TopMetrics { get; set; }
}

/// <summary>How many series a metric had.</summary>
public sealed record MetricSeriesCount
{
    [RequiredField]
    [Description("Name of the metric.")]
    public string Metric { get; set; } = string.Empty;

    [Description("Number of series.")]
    public long Series { get; set; }
}

/// <summary>The volumes of the servers.</summary>
public sealed record StorageStatus
{
    [Description("Size that was asked for.")]
    public string? Requested { get; set; }

    [Description("Smallest size that the claims have.")]
    public string? Actual { get; set; }

    [Description("Bound, Pending, Expanding, ShrinkRefused or Ephemeral.")]
    public string? Phase { get; set; }
}

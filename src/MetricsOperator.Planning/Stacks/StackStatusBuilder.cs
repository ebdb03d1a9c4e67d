using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Planning.Stacks;

/// <summary>The status of a stack from what was seen. It holds nothing that moves while nothing happens.</summary>
public static class StackStatusBuilder
{
    public static MetricsStackStatus Build(StackObservation seen)
    {
        var trimmed = seen with { Now = DateTimeOffset.FromUnixTimeSeconds(seen.Now.ToUnixTimeSeconds()) };
        var everywhere = seen.Plan is not null && seen.AppliedReplicas == seen.Replicas.Count;
        return new MetricsStackStatus
        {
            ObservedGeneration = seen.Generation,
            Replicas = seen.Replicas.Count(r => r.Pod is not null),
            ReadyReplicas = seen.Replicas.Count(r => r.IsReady),
            UpdatedReplicas = seen.Replicas.Count(r => IsUpdated(r, seen.Plan)),
            Selector = StackNames.SelectorText(seen.Stack.Metadata.Name!),
            Conditions = StackConditions.Build(trimmed),
            Configuration = new ConfigurationStatus
            {
                DesiredHash = seen.Plan?.ConfigHash,
                AppliedHash = everywhere ? seen.Plan!.ConfigHash : null,
                AppliedReplicas = seen.AppliedReplicas,
                LastGoodGeneration = seen.PlannedGeneration,
                Jobs = seen.Plan?.Scrape.Jobs.Count,
            },
            Effective = seen.Plan is null ? null : new EffectiveStatus
            {
                Interval = MetricsDuration.Format(seen.Plan.Scrape.Interval),
                KeepLists = seen.Plan.Scrape.KeepLists.Count == 0 ? null : [.. seen.Plan.Scrape.KeepLists],
                Image = seen.ServerImage,
            },
            Overload = Overload(seen.Ledger, seen.RelaxAt),
            Storage = StorageReport.Of(seen),
        };
    }

    private static bool IsUpdated(ReplicaView replica, StackPlan? plan)
    {
        var planned = plan?.Objects.FirstOrDefault(o => o.Kind.Kind == "Deployment" && o.Name == replica.Deployment?.Metadata.Name);
        return planned is not null
            && replica.Deployment!.Metadata.Annotations?.GetValueOrDefault(StackNames.HashAnnotation) == planned.Hash
            && replica.Deployment.Status?.ObservedGeneration >= replica.Deployment.Metadata.Generation
            && replica.Deployment.Status?.UpdatedReplicas >= 1;
    }

    private static OverloadStatus Overload(TuningLedger ledger, DateTimeOffset? relaxAt)
    {
        List<IncidentStatus> incidents = [.. ledger.Incidents.Select(Incident)];
        return new OverloadStatus
        {
            Level = ledger.Steps.Count,
            ActiveSteps = ledger.Steps.Count == 0 ? null : [.. ledger.Steps.Select(Step)],
            Proposed = ledger.Proposed.Count == 0 ? null : [.. ledger.Proposed.Select(Step)],
            LastIncident = incidents.FirstOrDefault(),
            Incidents = incidents.Count == 0 ? null : incidents,
            RelaxAfter = relaxAt,
        };
    }

    private static ActiveStep Step(AppliedStep step) => new()
    {
        Name = step.Name,
        Detail = step.Detail,
        Expected = step.Expected,
        Incident = step.Incident,
        Since = step.Since,
    };

    private static IncidentStatus Incident(Incident incident) => new()
    {
        Id = incident.Id,
        Class = incident.Class,
        Explanation = incident.Explanation,
        Response = incident.Response,
        Pod = incident.Pod,
        Container = incident.Container,
        ExitCode = incident.ExitCode,
        Reason = incident.Reason,
        Phase = incident.Phase,
        At = incident.At,
        RssBytes = incident.RssBytes,
        BudgetBytes = incident.BudgetBytes,
        HeadSeries = incident.HeadSeries,
        TopMetrics = incident.TopMetrics is null ? null : [.. incident.TopMetrics.Select(t => new MetricSeriesCount { Metric = t.Metric, Series = t.Series })],
    };
}

using System.Globalization;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Planning.Stacks;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Operator.Stacks;

/// <summary>What became of a plan.</summary>
/// <param name="Problem">What could not be applied and why; null when everything was.</param>
/// <param name="WaitingUpdates">Deployments that wait for their turn.</param>
/// <param name="Writes">Requests that were sent.</param>
internal sealed record ApplyOutcome(string? Problem = null, int WaitingUpdates = 0, int Writes = 0);

/// <summary>Sends what differs from what is live, in the order of the plan, and removes what left the plan.</summary>
internal sealed class PlanApplier(IStackWorld world, ILogger logger)
{
    public async Task<ApplyOutcome> ApplyAsync(StackInput input, StackPlan plan, IReadOnlyList<ReplicaView> replicas, CancellationToken cancellation)
    {
        var live = new Dictionary<(string Kind, ObjectKey Key), LiveObject>();
        foreach (var item in input.Live)
        {
            live[(item.Kind.Kind, ObjectKey.Of(item.Metadata))] = item;
        }

        var differing = plan.Objects.Where(o => Find(live, o) is not { } there || !DriftCheck.IsApplied(o, there.Object)).ToList();
        var waiting = Waiting(differing, replicas);
        var writes = 0;
        foreach (var planned in differing.Except(waiting))
        {
            var there = Find(live, planned);
            try
            {
                await world.ApplyAsync(planned, force: there is not null, cancellation).ConfigureAwait(false);
                writes++;
                logger.LogInformation("Applied {Object}{Change}", planned.ToString(), there is null ? " (new)" : "");
            }
            catch (KubeApiException e) when (e.IsInvalid || e.IsForbidden || (e.IsConflict && there is null))
            {
                // The next attempt has the same answer until a person changes something; status says so, and the back-off goes on.
                return new ApplyOutcome($"cannot apply {planned}: {e.Status.Message}", waiting.Count, writes);
            }
        }

        writes += await PruneAsync(input, plan, cancellation).ConfigureAwait(false);
        return new ApplyOutcome(null, waiting.Count, writes);
    }

    /// <summary>Removes what the garbage collector cannot: objects outside of the namespace of a stack that is gone.</summary>
    public async Task RemoveForeignAsync(ObjectKey key, CancellationToken cancellation)
    {
        foreach (var item in world.ObjectsOf(key).Where(IsForeign))
        {
            await world.DeleteAsync(item, cancellation).ConfigureAwait(false);
            logger.LogInformation("Deleted {Kind} {Name} of the deleted stack {Stack}", item.Kind.Kind, item.Metadata.Name, key.ToString());
        }
    }

    private static List<PlannedObject> Waiting(List<PlannedObject> differing, IReadOnlyList<ReplicaView> replicas)
    {
        var changes = differing.Where(o => o.Kind == ResourceKinds.Deployments)
            .ToDictionary(o => replicas.First(r => o.Name.EndsWith(string.Create(CultureInfo.InvariantCulture, $"-{r.Index}"), StringComparison.Ordinal)).Index);
        var allowed = RolloutGate.MayChange(replicas, changes.Keys);
        return [.. changes.Where(c => !allowed.Contains(c.Key)).Select(c => c.Value)];
    }

    private async Task<int> PruneAsync(StackInput input, StackPlan plan, CancellationToken cancellation)
    {
        var planned = plan.Objects.Select(o => (o.Kind.Kind, o.Namespace ?? "", o.Name)).ToHashSet();
        var deleted = 0;
        foreach (var item in input.Live)
        {
            if (!planned.Contains((item.Kind.Kind, item.Metadata.Namespace ?? "", item.Metadata.Name ?? "")) && MayPrune(input, item))
            {
                await world.DeleteAsync(item, cancellation).ConfigureAwait(false);
                deleted++;
                logger.LogInformation("Deleted {Kind} {Name}: not planned any more", item.Kind.Kind, item.Metadata.Name);
            }
        }

        return deleted;
    }

    private static bool MayPrune(StackInput input, LiveObject item)
    {
        if (item.Metadata.DeletionTimestamp is not null || item.Metadata.Name == StackNames.Overlay(input.Key.Name))
        {
            return false;
        }

        if (item.Kind == ResourceKinds.PersistentVolumeClaims)
        {
            return input.Good!.Spec.Storage.ClaimRetention.WhenScaled == ClaimRetentionSpec.Delete && input.Good.Spec.Storage.Volume == StorageSpec.PersistentVolumeClaim;
        }

        if (item.Kind.Kind == "Secret" && input.Credentials is null)
        {
            return false;
        }

        return IsForeign(item) || item.Metadata.OwnerReferences?.Any(o => o.Uid == input.Stack.Metadata.Uid) == true;
    }

    private static bool IsForeign(LiveObject item) => item.Metadata.Labels?.ContainsKey(StackNames.StackNamespaceLabel) == true;

    private static LiveObject? Find(Dictionary<(string Kind, ObjectKey Key), LiveObject> live, PlannedObject planned) =>
        live.GetValueOrDefault((planned.Kind.Kind, new ObjectKey(planned.Namespace ?? "", planned.Name)));
}

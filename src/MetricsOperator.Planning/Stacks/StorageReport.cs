using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Stacks;

/// <summary>What the claims have compared with what was asked for.</summary>
internal static class StorageReport
{
    public static StorageStatus Of(StackObservation seen)
    {
        var wanted = seen.Stack.Spec.Storage.Size;
        if (seen.Stack.Spec.Storage.Volume == StorageSpec.EmptyDir)
        {
            return new StorageStatus { Requested = wanted, Phase = "Ephemeral" };
        }

        var sizes = seen.Claims.Select(c => c.Status?.Capacity?.TryGetValue("storage", out var size) == true ? size : (ResourceQuantity?)null).ToList();
        if (sizes.Count == 0 || sizes.Contains(null))
        {
            return new StorageStatus { Requested = wanted, Phase = "Pending" };
        }

        var smallest = sizes.Min(s => s!.Value.Value);
        var asked = Quantity.TryParseBytes(wanted, out var bytes) ? bytes : 0;
        var largestRequest = seen.Claims.Max(c => c.Spec?.Resources?.Requests?.TryGetValue("storage", out var size) == true ? size.Value : 0);
        return new StorageStatus
        {
            Requested = wanted,
            Actual = ResourceQuantity.FromBytes((long)smallest).ToString(),
            Phase = asked < largestRequest ? "ShrinkRefused" : smallest < asked ? "Expanding" : "Bound",
        };
    }
}

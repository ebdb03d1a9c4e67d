using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Planning.Stacks;

/// <summary>The claim of one replica's data directory.</summary>
internal static class ServerClaim
{
    /// <summary>A claim that is kept has no owner: the garbage collector must not find it when the stack is deleted.</summary>
    public static PlannedObject Build(StackSnapshot stack, int index)
    {
        var name = StackNames.Claim(stack.Name, index);
        var storage = stack.Spec.Storage;
        var metadata = StackMeta.Owned(stack, name, replica: index);
        return PlannedObject.Of(ResourceKinds.PersistentVolumeClaims, new V1PersistentVolumeClaim
        {
            Metadata = storage.ClaimRetention.WhenDeleted == ClaimRetentionSpec.Delete ? metadata : metadata with { OwnerReferences = null },
            Spec = new V1PersistentVolumeClaimSpec
            {
                AccessModes = ["ReadWriteOnce"],
                StorageClassName = ClassOf(stack, name, storage),
                Resources = new V1ResourceRequirements
                {
                    Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = ResourceQuantity.FromBytes(SizeOf(stack, name, storage)) },
                },
            },
        });
    }

    /// <summary>The size asked for; a claim never shrinks, so a smaller wish leaves it as it is.</summary>
    public static long SizeOf(StackSnapshot stack, string name, StorageSpec storage)
    {
        var wanted = Quantity.ParseBytes(storage.Size);
        var live = stack.Claims.FirstOrDefault(c => c.Metadata.Name == name)?.Spec?.Resources?.Requests;
        return live is not null && live.TryGetValue("storage", out var there) ? Math.Max(wanted, (long)there.Value) : wanted;
    }

    /// <summary>The class of a claim is decided once; a class that the user did not name is the cluster's to fill in.</summary>
    private static string? ClassOf(StackSnapshot stack, string name, StorageSpec storage) => storage.StorageClassName is null
        ? null
        : stack.Claims.FirstOrDefault(c => c.Metadata.Name == name)?.Spec?.StorageClassName ?? storage.StorageClassName;
}

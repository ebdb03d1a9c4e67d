using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Planning.Scraping;

namespace MetricsOperator.Planning.Stacks;

/// <summary>The ConfigMap with the server's configuration and the Secret with its credentials.</summary>
internal static class ConfigObjects
{
    /// <summary>Holds the configuration, and the spec it follows from: the last good spec is what runs on when a newer one is invalid.</summary>
    public static PlannedObject Config(StackSnapshot stack, string configText)
    {
        var generation = (stack.Stack.Metadata.Generation ?? 0).ToString(System.Globalization.CultureInfo.InvariantCulture);
        return PlannedObject.Of(ResourceKinds.ConfigMaps, new V1ConfigMap
        {
            Metadata = StackMeta.Owned(stack, StackNames.Config(stack.Name), new Dictionary<string, string> { [StackNames.GenerationAnnotation] = generation }),
            Data = new Dictionary<string, string>
            {
                [ServerConfigRenderer.FileName] = configText,
                [StackNames.SpecKey] = ApiJson.Write(stack.Spec),
            },
        });
    }

    /// <summary>Always there, so that a first credential needs no new volume and so no new pod.</summary>
    public static PlannedObject? Credentials(StackSnapshot stack) => stack.Credentials is null ? null : PlannedObject.Of(ResourceKinds.Secrets, new V1Secret
    {
        Metadata = StackMeta.Owned(stack, StackNames.Credentials(stack.Name)),
        Type = "Opaque",
        Data = new SortedDictionary<string, byte[]>(stack.Credentials.ToDictionary(c => c.Key, c => c.Value), StringComparer.Ordinal),
    });
}

using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Stacks;

/// <summary>Tells whether a live object already is what is planned, so that a steady state needs no write.</summary>
public static class DriftCheck
{
    /// <summary>
    /// True if applying would change nothing: the hash of the last apply is the same, and every planned field still has its value. Both sides pass through
    /// the model of the kind, which brings quantities into one form and drops what the operator does not know.
    /// </summary>
    public static bool IsApplied(PlannedObject planned, IKubernetesObject live)
    {
        if (live.Metadata.Annotations?.GetValueOrDefault(StackNames.HashAnnotation) != planned.Hash)
        {
            return false;
        }

        // Metadata is all there is of kinds that are watched without their content; the hash then has to do.
        if (live is V1PartialObjectMetadata)
        {
            return true;
        }

        var wanted = JsonNode.Parse(planned.Kind.Serialize(planned.Kind.DeserializeObject(JsonSerializer.SerializeToUtf8Bytes(planned.Body))));
        var found = JsonNode.Parse(planned.Kind.Serialize(live));
        return Contains(found, wanted);
    }

    /// <summary>True if everything in the wanted document is in the found one, which may hold more.</summary>
    internal static bool Contains(JsonNode? found, JsonNode? wanted) => (wanted, found) switch
    {
        (null, _) => true,
        // Empty maps and lists are dropped by the API server.
        (JsonObject { Count: 0 } or JsonArray { Count: 0 }, null) => true,
        (JsonObject w, JsonObject f) => w.All(member => Contains(f[member.Key], member.Value)),
        (JsonArray w, JsonArray f) => ListContains(f, w),
        (JsonValue, JsonValue) => JsonNode.DeepEquals(found, wanted),
        _ => false,
    };

    // Others may add named items (a sidecar, a variable); lists without names belong to the operator as a whole.
    private static bool ListContains(JsonArray found, JsonArray wanted)
    {
        if (wanted.Count > 0 && wanted.All(item => Name(item) is not null))
        {
            var byName = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
            foreach (var item in found)
            {
                byName.TryAdd(Name(item) ?? "", item);
            }

            return wanted.All(item => byName.TryGetValue(Name(item)!, out var there) && Contains(there, item));
        }

        return found.Count == wanted.Count && wanted.Zip(found).All(pair => Contains(pair.Second, pair.First));
    }

    private static string? Name(JsonNode? item) => item is JsonObject map ? (string?)map["name"] : null;
}

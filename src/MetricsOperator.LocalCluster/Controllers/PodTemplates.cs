using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Compares pod templates and makes pods from them.</summary>
internal static class PodTemplates
{
    public const string HashLabel = "pod-template-hash";

    private const string SafeCharacters = "bcdfghjklmnpqrstvwxz2456789";

    /// <summary>Whether two templates make the same pods; the hash label, which controllers add, does not count.</summary>
    public static bool Same(JsonObject? one, JsonObject? other) => JsonNode.DeepEquals(WithoutHash(one), WithoutHash(other));

    /// <summary>Ten characters that stand for the template; the collision count makes another name for the same template.</summary>
    public static string Hash(JsonObject template, long collisions = 0)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{WithoutHash(template)!.ToJsonString()}{collisions}")));
        return new string([.. bytes.Take(10).Select(value => SafeCharacters[value % SafeCharacters.Length])]);
    }

    /// <summary>Five random characters, as generated names end with.</summary>
    public static string RandomSuffix() => RandomNumberGenerator.GetString(SafeCharacters, 5);

    /// <summary>A pod of the template, owned by its controller.</summary>
    public static JsonObject NewPod(JsonObject template, JsonObject owner, string apiVersion, string kind, string name)
    {
        var metadata = new JsonObject
        {
            ["name"] = name,
            ["generateName"] = owner.NameOf() + "-",
            ["namespace"] = owner.NamespaceOf(),
            ["ownerReferences"] = new JsonArray(OwnerReferences.ToController(owner, apiVersion, kind)),
        };
        foreach (var part in new[] { "labels", "annotations" })
        {
            if (template.ObjectAt("metadata", part) is { } map)
            {
                metadata[part] = map.DeepClone();
            }
        }

        return new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = metadata, ["spec"] = template["spec"]?.DeepClone() };
    }

    private static JsonObject? WithoutHash(JsonObject? template)
    {
        var copy = template?.Copy();
        if (copy.ObjectAt("metadata") is { } metadata)
        {
            metadata.ObjectAt("labels")?.Remove(HashLabel);
            metadata.Remove("creationTimestamp");
        }

        return copy;
    }
}

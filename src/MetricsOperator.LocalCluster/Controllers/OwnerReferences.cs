using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>An entry of <c>metadata.ownerReferences</c>.</summary>
internal sealed record OwnerReference(string ApiVersion, string Kind, string Name, string Uid, bool IsController, bool BlocksDeletion);

/// <summary>Reads and writes owner references.</summary>
internal static class OwnerReferences
{
    public static IEnumerable<OwnerReference> Of(JsonObject obj) => obj.ObjectsAt("metadata", "ownerReferences").Select(reference => new OwnerReference(
        reference.StringAt("apiVersion") ?? string.Empty,
        reference.StringAt("kind") ?? string.Empty,
        reference.StringAt("name") ?? string.Empty,
        reference.StringAt("uid") ?? string.Empty,
        reference.BoolAt("controller") == true,
        reference.BoolAt("blockOwnerDeletion") == true));

    /// <summary>The owner that controls the object, or null.</summary>
    public static OwnerReference? Controller(JsonObject obj) => Of(obj).FirstOrDefault(owner => owner.IsController);

    public static bool IsControlledBy(JsonObject obj, string uid) => Controller(obj)?.Uid == uid;

    /// <summary>A reference that makes <paramref name="owner"/> the controller.</summary>
    public static JsonObject ToController(JsonObject owner, string apiVersion, string kind) => new()
    {
        ["apiVersion"] = apiVersion,
        ["kind"] = kind,
        ["name"] = owner.NameOf(),
        ["uid"] = owner.UidOf(),
        ["controller"] = true,
        ["blockOwnerDeletion"] = true,
    };
}

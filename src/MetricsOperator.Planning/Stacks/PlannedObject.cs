using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Planning.Stacks;

/// <summary>One object as it shall be, complete with its hash annotation.</summary>
public sealed class PlannedObject
{
    private PlannedObject(ResourceKind kind, JsonObject body, string hash)
    {
        Kind = kind;
        Body = body;
        Hash = hash;
    }

    public ResourceKind Kind { get; }

    /// <summary>What is sent as server-side apply. It holds the fields that the operator wants to own and no others.</summary>
    public JsonObject Body { get; }

    /// <summary>Hash of the body before its annotation was added.</summary>
    public string Hash { get; }

    public string Name => (string)Body["metadata"]!["name"]!;

    /// <summary>Null for cluster-scoped kinds.</summary>
    public string? Namespace => (string?)Body["metadata"]!["namespace"];

    /// <summary>From a typed object.</summary>
    public static PlannedObject Of(ResourceKind kind, IKubernetesObject value) => Of(kind, JsonNode.Parse(kind.Serialize(value))!.AsObject());

    /// <summary>From a document.</summary>
    public static PlannedObject Of(ResourceKind kind, JsonObject body)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body.ToJsonString())))[..16];
        var metadata = body["metadata"]!.AsObject();
        if (metadata["annotations"] is not JsonObject annotations)
        {
            annotations = [];
            metadata["annotations"] = annotations;
        }

        annotations[StackNames.HashAnnotation] = hash;
        return new PlannedObject(kind, body, hash);
    }

    public override string ToString() => $"{Kind.Kind} {(Namespace is null ? Name : $"{Namespace}/{Name}")}";
}

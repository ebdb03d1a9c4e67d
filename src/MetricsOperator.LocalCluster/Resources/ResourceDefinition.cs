using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Rules;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Resources;

/// <summary>Where the scale subresource finds its numbers; dotted paths such as <c>.spec.replicas</c>.</summary>
internal sealed record ScalePaths(string SpecReplicas, string StatusReplicas, string? LabelSelector);

/// <summary>A column of table output; <paramref name="JsonPath"/> is set for custom resources, else <paramref name="Cell"/> makes the text.</summary>
internal sealed record TableColumn(string Name, string Type, string Description, int Priority, string? JsonPath = null, Func<JsonObject, DateTimeOffset, JsonNode?>? Cell = null, string Format = "");

/// <summary>One resource in one version: how it is named, what it looks like and which rules it follows.</summary>
internal sealed class ResourceDefinition
{
    private static readonly string[] AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

    public required string Group { get; init; }

    public required string Version { get; init; }

    public required string Plural { get; init; }

    public required string Singular { get; init; }

    public required string Kind { get; init; }

    public string ListKind { get => field ?? Kind + "List"; init; }

    public IReadOnlyList<string> ShortNames { get; init; } = [];

    public IReadOnlyList<string> Categories { get; init; } = [];

    public required bool Namespaced { get; init; }

    /// <summary>Schema of the whole object, apiVersion, kind and metadata included.</summary>
    public required SchemaNode Schema { get; init; }

    /// <summary>Name under which the schema appears in OpenAPI.</summary>
    public required string SchemaName { get; init; }

    public bool IsCustom { get; init; }

    /// <summary>Whether status is written through its own subresource alone.</summary>
    public bool HasStatus { get; init; }

    public bool HasGeneration { get; init; }

    public ScalePaths? Scale { get; init; }

    public ResourceRules Rules { get; init; } = ResourceRules.None;

    public IReadOnlyList<TableColumn> Columns { get; init; } = [];

    public IReadOnlyList<string> Verbs { get; init; } = AllVerbs;

    /// <summary>Shown to clients that use a deprecated version.</summary>
    public string? DeprecationWarning { get; init; }

    /// <summary>From the stored form to this version; null when they differ in nothing (but perhaps apiVersion).</summary>
    public Func<JsonObject, JsonObject>? FromStored { get; init; }

    /// <summary>From this version to the stored form.</summary>
    public Func<JsonObject, JsonObject>? ToStored { get; init; }

    /// <summary>Name of the storage; versions of a resource and both event groups share it.</summary>
    public string StorageKey { get => field ?? (Group.Length == 0 ? Plural : $"{Group}/{Plural}"); init; }

    /// <summary>apiVersion of objects in the store.</summary>
    public string StoredApiVersion { get => field ?? ApiVersion; init; }

    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>Reviews and the like: only created, never stored.</summary>
    public bool IsVirtual => Verbs is ["create"];

    /// <summary>A stored document as this version shows it; the stored node itself when nothing has to change.</summary>
    public JsonObject Show(JsonObject stored)
    {
        if (FromStored is not null)
        {
            return FromStored(stored);
        }

        if (StoredApiVersion == ApiVersion)
        {
            return stored;
        }

        var copy = (JsonObject)stored.DeepClone();
        copy["apiVersion"] = ApiVersion;
        return copy;
    }
}

using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MetricsOperator.LocalCluster.Schemas;

/// <summary>A structural schema: of a built-in kind (from the .schema files) or of a custom resource (from its definition).</summary>
internal sealed class SchemaNode
{
    private readonly Dictionary<string, SchemaNode> _properties = new(StringComparer.Ordinal);
    private readonly HashSet<string> _required = new(StringComparer.Ordinal);

    /// <summary>object, array, string, integer, number, boolean; empty for any value.</summary>
    public string Type { get; set; } = string.Empty;

    public string Format { get; set; } = string.Empty;

    public string Description { get; set; } = string.Empty;

    /// <summary>The named type that a field is of; its fields and required names are the field's.</summary>
    public SchemaNode? Shared { get; set; }

    /// <summary>Fields of an object in the order declared.</summary>
    public Dictionary<string, SchemaNode> Properties => Shared?.Properties ?? _properties;

    public HashSet<string> Required => Shared?.Required ?? _required;

    public SchemaNode? Items { get; set; }

    /// <summary>Schema of the values of a map; null when the object is a struct.</summary>
    public SchemaNode? AdditionalProperties { get; set; }

    public List<JsonNode?>? Enum { get; set; }

    /// <summary>Value an absent field gets; null for none.</summary>
    public JsonNode? Default { get; set; }

    public double? Minimum { get; set; }

    public double? Maximum { get; set; }

    public bool ExclusiveMinimum { get; set; }

    public bool ExclusiveMaximum { get; set; }

    public double? MultipleOf { get; set; }

    public long? MinLength { get; set; }

    public long? MaxLength { get; set; }

    public long? MinItems { get; set; }

    public long? MaxItems { get; set; }

    public long? MinProperties { get; set; }

    public long? MaxProperties { get; set; }

    public bool UniqueItems { get; set; }

    public string? Pattern { get; set; }

    public Regex? CompiledPattern { get; set; }

    public bool Nullable { get; set; }

    public List<SchemaNode> AllOf { get; } = [];

    public List<SchemaNode> AnyOf { get; } = [];

    public List<SchemaNode> OneOf { get; } = [];

    public SchemaNode? Not { get; set; }

    /// <summary>x-kubernetes-int-or-string.</summary>
    public bool IntOrString { get; set; }

    /// <summary>x-kubernetes-preserve-unknown-fields.</summary>
    public bool PreserveUnknown { get; set; }

    /// <summary>x-kubernetes-embedded-resource: apiVersion, kind and metadata are kept.</summary>
    public bool EmbeddedResource { get; set; }

    /// <summary>x-kubernetes-list-type: atomic, set or map; empty means atomic.</summary>
    public string ListType { get; set; } = string.Empty;

    public IReadOnlyList<string> ListMapKeys { get; set; } = [];

    /// <summary>x-kubernetes-map-type: atomic or granular; empty means granular.</summary>
    public string MapType { get; set; } = string.Empty;

    /// <summary>x-kubernetes-patch-strategy of a strategic merge patch: merge, replace, retainKeys, or a comma separated list.</summary>
    public string PatchStrategy { get; set; } = string.Empty;

    public string PatchMergeKey { get; set; } = string.Empty;

    /// <summary>x-kubernetes-validations, kept for clients; the rules are not evaluated.</summary>
    public JsonNode? Validations { get; set; }

    /// <summary>Name of the built-in type this node stands for (<c>io.k8s.api.core.v1.Container</c>), for $ref in OpenAPI; null when inline.</summary>
    public string? TypeName { get; set; }

    /// <summary>How Go names the type in decoding errors (<c>v1.Container</c>, <c>string</c>, <c>int32</c>).</summary>
    public string GoName { get; set; } = string.Empty;

    public bool IsObject => Type == "object" || Properties.Count > 0 || AdditionalProperties is not null;

    public bool IsAtomicMap => MapType == "atomic";

    public bool IsAssociativeList => ListType is "map" or "set";

    /// <summary>The schema of a field of this object; null when it is unknown.</summary>
    public SchemaNode? Field(string name) => Properties.GetValueOrDefault(name) ?? AdditionalProperties;
}

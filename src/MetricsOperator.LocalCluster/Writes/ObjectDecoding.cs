using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Writes;

/// <summary>From the body of a request to an object in stored form: right kind, right JSON types, no unknown fields.</summary>
internal static class ObjectDecoding
{
    /// <exception cref="ApiStatusException">400 when the body does not decode, or has unknown fields in strict mode.</exception>
    public static JsonObject Decode(ResourceDefinition definition, JsonObject body, WriteOptions options, SchemaNode objectMeta)
    {
        var obj = body.Copy();
        CheckType(definition, obj);
        var unknown = new List<string>();
        if (definition.IsCustom)
        {
            if (BuiltinDecoding.Check(obj["metadata"], objectMeta, "metadata", "ObjectMeta") is { } error)
            {
                throw Undecodable(definition, error);
            }
        }
        else if (BuiltinDecoding.Check(obj, definition.Schema, string.Empty, definition.Kind) is { } error)
        {
            throw Undecodable(definition, error);
        }

        UnknownFields.Prune(obj, definition.Schema, string.Empty, unknown);
        Report(definition, unknown, options);
        var stored = definition.ToStored?.Invoke(obj) ?? obj;
        stored["apiVersion"] = definition.StoredApiVersion;
        return stored;
    }

    private static void CheckType(ResourceDefinition definition, JsonObject obj)
    {
        var apiVersion = obj.StringAt("apiVersion");
        var kind = obj.StringAt("kind");
        if (!string.IsNullOrEmpty(apiVersion) && apiVersion != definition.ApiVersion)
        {
            throw ApiErrors.BadRequest($"the API version in the data ({apiVersion}) does not match the expected API version ({definition.ApiVersion})");
        }

        if (!string.IsNullOrEmpty(kind) && kind != definition.Kind)
        {
            throw ApiErrors.BadRequest($"the kind in the data ({kind}) does not match the expected kind ({definition.Kind})");
        }

        if (obj["metadata"] is not (null or JsonObject))
        {
            throw Undecodable(definition, "json: cannot unmarshal into Go struct field .metadata of type v1.ObjectMeta");
        }

        // Type and metadata come first, as readers expect them.
        obj.Remove("apiVersion");
        obj.Remove("kind");
        obj.Insert(0, "apiVersion", definition.ApiVersion);
        obj.Insert(1, "kind", definition.Kind);
        obj.Metadata();
    }

    private static void Report(ResourceDefinition definition, List<string> unknown, WriteOptions options)
    {
        if (options.Validation == FieldValidation.Ignore || (unknown.Count == 0 && options.DuplicateFields.Count == 0))
        {
            return;
        }

        var problems = options.DuplicateFields.Select(d => $"duplicate field \"{d}\"").Concat(unknown.Select(u => $"unknown field \"{u}\"")).ToArray();
        if (options.Validation == FieldValidation.Strict)
        {
            throw Undecodable(definition, "strict decoding error: " + string.Join(", ", problems));
        }

        options.Warnings.AddRange(problems);
    }

    private static ApiStatusException Undecodable(ResourceDefinition definition, string error) =>
        ApiErrors.BadRequest($"{definition.Kind} in version \"{definition.Version}\" cannot be handled as a {definition.Kind}: {error}");
}

using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Schemas;

/// <summary>Checks the JSON types of a built-in kind the way Go's decoder does, and drops nulls, which Go reads as absent.</summary>
internal static partial class BuiltinDecoding
{
    /// <summary>The first type error, or null when the object decodes.</summary>
    public static string? Check(JsonNode? value, SchemaNode schema, string path, string owner)
    {
        switch (value)
        {
            case JsonObject obj:
                return CheckObject(obj, schema, path, owner);
            case JsonArray array:
                if (schema.Type == "array")
                {
                    return array.Select(item => Check(item, schema.Items!, path, owner)).FirstOrDefault(e => e is not null);
                }

                return schema.PreserveUnknown ? null : Mismatch("array");
            case JsonValue scalar:
                return CheckScalar(scalar);
            default:
                return null;
        }

        string? CheckScalar(JsonValue scalar)
        {
            var kind = scalar.GetValueKind();
            if (schema.IntOrString)
            {
                if (schema.Format == "quantity" && scalar.AsString() is { } quantity && !Quantity().IsMatch(quantity))
                {
                    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                }

                return kind is JsonValueKind.True or JsonValueKind.False ? Mismatch("bool") : null;
            }

            if (schema.PreserveUnknown && schema.Type.Length == 0)
            {
                return null;
            }

            return (schema.Type, kind) switch
            {
                ("string", JsonValueKind.String) or ("boolean", JsonValueKind.True or JsonValueKind.False) or ("number", JsonValueKind.Number) => null,
                ("integer", JsonValueKind.Number) => scalar.AsLong() is null ? Mismatch($"number {scalar.ToJsonString()}") : null,
                (_, JsonValueKind.String) => Mismatch("string"),
                (_, JsonValueKind.Number) => Mismatch("number"),
                _ => Mismatch("bool"),
            };
        }

        string Mismatch(string found) => $"json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {schema.GoName}";
    }

    private static string? CheckObject(JsonObject obj, SchemaNode schema, string path, string owner)
    {
        if (!schema.IsObject && !schema.PreserveUnknown)
        {
            return $"json: cannot unmarshal object into Go struct field {owner}.{path} of type {schema.GoName}";
        }

        var struct_ = schema.TypeName is { } type ? type[(type.LastIndexOf('.') + 1)..] : owner;
        foreach (var (name, child) in obj.ToArray())
        {
            if (schema.Field(name) is not { } field)
            {
                continue;
            }

            if (child is null)
            {
                obj.Remove(name);
                continue;
            }

            var childPath = path.Length == 0 ? name : $"{path}.{name}";
            if (Check(child, field, childPath, struct_) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    [GeneratedRegex(@"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$")]
    private static partial Regex Quantity();
}

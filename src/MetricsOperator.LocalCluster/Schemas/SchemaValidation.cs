using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Schemas;

/// <summary>Validates a value against a structural schema, with Kubernetes' wording.</summary>
internal static class SchemaValidation
{
    public static void Validate(JsonNode? value, SchemaNode schema, string path, List<FieldError> errors)
    {
        if (value is null)
        {
            if (!schema.Nullable && (schema.Type.Length > 0 || schema.IntOrString))
            {
                errors.Add(FieldError.WrongType(path, "null", schema.IntOrString ? "integer,string" : schema.Type));
            }

            return;
        }

        if (!CheckType(value, schema, path, errors))
        {
            return;
        }

        CheckEnum(value, schema, path, errors);
        switch (value)
        {
            case JsonObject obj:
                CheckObject(obj, schema, path, errors);
                break;
            case JsonArray array:
                CheckArray(array, schema, path, errors);
                break;
            case JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String:
                CheckString(scalar.GetValue<string>(), scalar, schema, path, errors);
                break;
            case JsonValue scalar when scalar.GetValueKind() == JsonValueKind.Number:
                CheckNumber(scalar, schema, path, errors);
                break;
        }

        CheckCombinations(value, schema, path, errors);
    }

    private static bool CheckType(JsonNode value, SchemaNode schema, string path, List<FieldError> errors)
    {
        var found = TypeOf(value);
        if (schema.IntOrString)
        {
            if (found is "integer" or "string")
            {
                return true;
            }

            errors.Add(FieldError.WrongType(path, found, "integer,string"));
            return false;
        }

        if (schema.Type.Length == 0 || schema.Type == found || (schema.Type == "number" && found == "integer"))
        {
            return true;
        }

        errors.Add(FieldError.WrongType(path, found, schema.Type));
        return false;
    }

    private static string TypeOf(JsonNode value) => value switch
    {
        JsonObject => "object",
        JsonArray => "array",
        JsonValue scalar => scalar.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number => scalar.AsLong() is null ? "number" : "integer",
            _ => "boolean",
        },
        _ => "null",
    };

    private static void CheckEnum(JsonNode value, SchemaNode schema, string path, List<FieldError> errors)
    {
        if (schema.Enum is { } allowed && !allowed.Any(a => JsonNode.DeepEquals(a, value)))
        {
            errors.Add(FieldError.NotSupported(path, value, allowed.Select(a => a.AsString() ?? JsonDocuments.ToText(a))));
        }
    }

    private static void CheckObject(JsonObject obj, SchemaNode schema, string path, List<FieldError> errors)
    {
        foreach (var required in schema.Required)
        {
            if (!obj.ContainsKey(required))
            {
                errors.Add(FieldError.Required(Child(path, required)));
            }
        }

        if (schema.MaxProperties is { } most && obj.Count > most)
        {
            errors.Add(FieldError.TooMany(path, obj.Count, most));
        }

        if (schema.MinProperties is { } least && obj.Count < least)
        {
            errors.Add(FieldError.Invalid(path, obj, $"{path} in body should have at least {least} properties"));
        }

        foreach (var (name, child) in obj)
        {
            if (schema.Field(name) is { } field)
            {
                Validate(child, field, Child(path, name), errors);
            }
        }
    }

    private static void CheckArray(JsonArray array, SchemaNode schema, string path, List<FieldError> errors)
    {
        if (schema.MaxItems is { } most && array.Count > most)
        {
            errors.Add(FieldError.TooMany(path, array.Count, most));
        }

        if (schema.MinItems is { } least && array.Count < least)
        {
            errors.Add(FieldError.Invalid(path, array.Count, $"{path} in body should have at least {least} items"));
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, item) in array.Index())
        {
            if (schema.ListType == "map" && item is JsonObject entry)
            {
                var key = new JsonObject();
                foreach (var name in schema.ListMapKeys)
                {
                    key[name] = (entry[name] ?? schema.Items?.Field(name)?.Default)?.DeepClone();
                }

                if (!seen.Add(JsonDocuments.ToText(key)))
                {
                    errors.Add(FieldError.Duplicate($"{path}[{index}]", key));
                }
            }
            else if ((schema.ListType == "set" || schema.UniqueItems) && !seen.Add(JsonDocuments.ToText(item)))
            {
                errors.Add(FieldError.Duplicate($"{path}[{index}]", item));
            }

            if (schema.Items is { } items)
            {
                Validate(item, items, $"{path}[{index}]", errors);
            }
        }
    }

    private static void CheckString(string text, JsonNode value, SchemaNode schema, string path, List<FieldError> errors)
    {
        var length = schema.MaxLength is null && schema.MinLength is null ? 0 : text.EnumerateRunes().Count();
        if (length > schema.MaxLength)
        {
            errors.Add(FieldError.TooLong(path, schema.MaxLength.Value));
        }

        if (length < schema.MinLength)
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body should be at least {schema.MinLength} chars long"));
        }

        if (schema.CompiledPattern is { } pattern && !pattern.IsMatch(text))
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body should match '{schema.Pattern}'"));
        }

        var wellFormed = schema.Format switch
        {
            "date-time" => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _) && text.Contains('T', StringComparison.Ordinal),
            "byte" => Convert.TryFromBase64String(text, new byte[Encoding.UTF8.GetByteCount(text)], out _),
            _ => true,
        };
        if (!wellFormed)
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body must be of type {schema.Format}: \"{text}\""));
        }
    }

    private static void CheckNumber(JsonNode value, SchemaNode schema, string path, List<FieldError> errors)
    {
        var number = value.AsDouble() ?? 0;
        if (schema.Minimum is { } least && (schema.ExclusiveMinimum ? number <= least : number < least))
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body should be greater than {(schema.ExclusiveMinimum ? string.Empty : "or equal to ")}{Show(least)}"));
        }

        if (schema.Maximum is { } most && (schema.ExclusiveMaximum ? number >= most : number > most))
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body should be less than {(schema.ExclusiveMaximum ? string.Empty : "or equal to ")}{Show(most)}"));
        }

        if (schema.MultipleOf is { } factor && Math.Abs(number % factor) > 1e-9)
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body should be a multiple of {Show(factor)}"));
        }

        if (schema.Format == "int32" && value.AsLong() is < int.MinValue or > int.MaxValue)
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body must be of type int32: \"{JsonDocuments.ToText(value)}\""));
        }
    }

    private static void CheckCombinations(JsonNode value, SchemaNode schema, string path, List<FieldError> errors)
    {
        foreach (var part in schema.AllOf)
        {
            Validate(value, part, path, errors);
        }

        if (schema.AnyOf.Count > 0 && !schema.AnyOf.Any(part => Matches(value, part, path)))
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body must validate at least one schema (anyOf)"));
        }

        if (schema.OneOf.Count > 0 && schema.OneOf.Count(part => Matches(value, part, path)) != 1)
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body must validate one and only one schema (oneOf)"));
        }

        if (schema.Not is { } not && Matches(value, not, path))
        {
            errors.Add(FieldError.Invalid(path, value, $"{path} in body must not validate the schema (not)"));
        }
    }

    private static bool Matches(JsonNode value, SchemaNode schema, string path)
    {
        var errors = new List<FieldError>();
        Validate(value, schema, path, errors);
        return errors.Count == 0;
    }

    private static string Child(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static string Show(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}

using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Schemas;

/// <summary>Between schema nodes and their JSON forms: a custom resource definition's openAPIV3Schema (read), OpenAPI v3 and v2 documents (written).</summary>
internal static class SchemaJson
{
    /// <summary>Reads <c>openAPIV3Schema</c>.</summary>
    /// <exception cref="FormatException">A pattern is no regular expression; the message has the path.</exception>
    public static SchemaNode Read(JsonObject json, string path = "")
    {
        var node = new SchemaNode
        {
            Type = json.StringAt("type") ?? string.Empty,
            Format = json.StringAt("format") ?? string.Empty,
            Description = json.StringAt("description") ?? string.Empty,
            Enum = json.ArrayAt("enum")?.Select(e => e?.DeepClone()).ToList(),
            Default = json.At("default")?.DeepClone(),
            Minimum = json.At("minimum").AsDouble(),
            Maximum = json.At("maximum").AsDouble(),
            ExclusiveMinimum = json.BoolAt("exclusiveMinimum") ?? false,
            ExclusiveMaximum = json.BoolAt("exclusiveMaximum") ?? false,
            MultipleOf = json.At("multipleOf").AsDouble(),
            MinLength = json.LongAt("minLength"),
            MaxLength = json.LongAt("maxLength"),
            MinItems = json.LongAt("minItems"),
            MaxItems = json.LongAt("maxItems"),
            MinProperties = json.LongAt("minProperties"),
            MaxProperties = json.LongAt("maxProperties"),
            UniqueItems = json.BoolAt("uniqueItems") ?? false,
            Pattern = json.StringAt("pattern"),
            Nullable = json.BoolAt("nullable") ?? false,
            IntOrString = json.BoolAt("x-kubernetes-int-or-string") ?? false,
            PreserveUnknown = json.BoolAt("x-kubernetes-preserve-unknown-fields") ?? false,
            EmbeddedResource = json.BoolAt("x-kubernetes-embedded-resource") ?? false,
            ListType = json.StringAt("x-kubernetes-list-type") ?? string.Empty,
            ListMapKeys = json.StringsAt("x-kubernetes-list-map-keys"),
            MapType = json.StringAt("x-kubernetes-map-type") ?? string.Empty,
            Validations = json.At("x-kubernetes-validations")?.DeepClone(),
        };
        if (node.Pattern is { } pattern)
        {
            try
            {
                node.CompiledPattern = new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
            }
            catch (ArgumentException e)
            {
                throw new FormatException($"{path}.pattern: {e.Message}", e);
            }
        }

        if (json.ObjectAt("properties") is { } properties)
        {
            foreach (var (name, child) in properties)
            {
                if (child is JsonObject schema)
                {
                    node.Properties[name] = Read(schema, $"{path}.properties[{name}]");
                }
            }
        }

        node.Required.UnionWith(json.StringsAt("required"));
        node.Items = json.ObjectAt("items") is { } items ? Read(items, $"{path}.items") : null;
        node.AdditionalProperties = json.At("additionalProperties") switch
        {
            JsonObject schema => Read(schema, $"{path}.additionalProperties"),
            JsonValue flag when flag.AsBool() == true => new SchemaNode { PreserveUnknown = true },
            _ => null,
        };
        node.Not = json.ObjectAt("not") is { } not ? Read(not, $"{path}.not") : null;
        ReadAll("allOf", node.AllOf);
        ReadAll("anyOf", node.AnyOf);
        ReadAll("oneOf", node.OneOf);
        return node;

        void ReadAll(string keyword, List<SchemaNode> into)
        {
            foreach (var (index, schema) in json.ObjectsAt(keyword).Index())
            {
                into.Add(Read(schema, $"{path}.{keyword}[{index}]"));
            }
        }
    }

    /// <summary>Writes a node as OpenAPI; types with a name become references below <paramref name="refPrefix"/> unless it is the named type itself.</summary>
    public static JsonObject Write(SchemaNode node, string refPrefix, bool v2, bool asDefinition = false)
    {
        if (node.TypeName is not null && !asDefinition)
        {
            var reference = new JsonObject { ["$ref"] = refPrefix + node.TypeName };
            if (v2)
            {
                AddListAndDescription(reference, node);
                return reference;
            }

            var wrapped = new JsonObject { ["allOf"] = new JsonArray(reference) };
            AddListAndDescription(wrapped, node);
            if (node.Default is not null)
            {
                wrapped["default"] = node.Default.DeepClone();
            }

            return wrapped;
        }

        var json = new JsonObject();
        AddListAndDescription(json, node);
        if (node.IntOrString)
        {
            if (v2)
            {
                json["type"] = "string";
                json["format"] = "int-or-string";
            }
            else
            {
                json["x-kubernetes-int-or-string"] = true;
            }
        }
        else if (node.Type.Length > 0)
        {
            json["type"] = node.Type;
        }

        if (node.Format.Length > 0)
        {
            json["format"] = node.Format;
        }

        AddConstraints(json, node, v2);
        if (node.Properties.Count > 0)
        {
            var properties = new JsonObject();
            foreach (var (name, child) in node.Properties)
            {
                properties[name] = Write(child, refPrefix, v2);
            }

            json["properties"] = properties;
        }

        if (node.Required.Count > 0)
        {
            json["required"] = JsonAccess.StringArray(node.Required.Order(StringComparer.Ordinal));
        }

        if (node.Items is not null)
        {
            json["items"] = Write(node.Items, refPrefix, v2);
        }

        if (node.AdditionalProperties is not null)
        {
            json["additionalProperties"] = Write(node.AdditionalProperties, refPrefix, v2);
        }

        if (node.Default is not null && !v2)
        {
            json["default"] = node.Default.DeepClone();
        }

        if (!v2)
        {
            AddCombination(json, "allOf", node.AllOf, refPrefix);
            AddCombination(json, "anyOf", node.AnyOf, refPrefix);
            AddCombination(json, "oneOf", node.OneOf, refPrefix);
        }

        return json;
    }

    private static void AddCombination(JsonObject json, string keyword, List<SchemaNode> schemas, string refPrefix)
    {
        if (schemas.Count > 0)
        {
            json[keyword] = new JsonArray([.. schemas.Select(s => (JsonNode)Write(s, refPrefix, v2: false))]);
        }
    }

    private static void AddConstraints(JsonObject json, SchemaNode node, bool v2)
    {
        if (node.Enum is not null)
        {
            json["enum"] = new JsonArray([.. node.Enum.Select(e => e?.DeepClone())]);
        }

        Number("minimum", node.Minimum);
        Number("maximum", node.Maximum);
        Number("multipleOf", node.MultipleOf);
        Number("minLength", node.MinLength);
        Number("maxLength", node.MaxLength);
        Number("minItems", node.MinItems);
        Number("maxItems", node.MaxItems);
        Number("minProperties", node.MinProperties);
        Number("maxProperties", node.MaxProperties);
        Flag("exclusiveMinimum", node.ExclusiveMinimum);
        Flag("exclusiveMaximum", node.ExclusiveMaximum);
        Flag("uniqueItems", node.UniqueItems);
        Flag("nullable", node.Nullable && !v2);
        Flag("x-kubernetes-preserve-unknown-fields", node.PreserveUnknown);
        Flag("x-kubernetes-embedded-resource", node.EmbeddedResource);
        if (node.Pattern is not null)
        {
            json["pattern"] = node.Pattern;
        }

        if (node.Validations is not null && !v2)
        {
            json["x-kubernetes-validations"] = node.Validations.DeepClone();
        }

        void Number(string keyword, double? value)
        {
            if (value is { } number)
            {
                json[keyword] = Math.Floor(number) == number && Math.Abs(number) < 1e15 ? JsonValue.Create((long)number) : JsonValue.Create(number);
            }
        }

        void Flag(string keyword, bool value)
        {
            if (value)
            {
                json[keyword] = true;
            }
        }
    }

    private static void AddListAndDescription(JsonObject json, SchemaNode node)
    {
        if (node.Description.Length > 0)
        {
            json["description"] = node.Description;
        }

        if (node.ListType.Length > 0)
        {
            json["x-kubernetes-list-type"] = node.ListType;
        }

        if (node.ListMapKeys.Count > 0)
        {
            json["x-kubernetes-list-map-keys"] = JsonAccess.StringArray(node.ListMapKeys);
        }

        if (node.MapType.Length > 0)
        {
            json["x-kubernetes-map-type"] = node.MapType;
        }

        if (node.PatchStrategy.Length > 0)
        {
            json["x-kubernetes-patch-strategy"] = node.PatchStrategy;
        }

        if (node.PatchMergeKey.Length > 0)
        {
            json["x-kubernetes-patch-merge-key"] = node.PatchMergeKey;
        }
    }
}

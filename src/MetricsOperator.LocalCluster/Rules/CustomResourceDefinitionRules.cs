using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>Custom resource definitions: names that agree, one storage version, structural schemas; established at once.</summary>
internal sealed class CustomResourceDefinitionRules : ResourceRules
{
    /// <summary>Keeps a definition until its objects are gone.</summary>
    public const string CleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

    public override void Default(JsonObject obj)
    {
        var names = obj.Ensure("spec").Ensure("names");
        var kind = names.StringAt("kind") ?? string.Empty;
        names.Default("singular", kind.ToLowerInvariant());
        names.Default("listKind", kind + "List");
    }

    public override void PrepareForCreate(JsonObject obj, RulesContext context) => SetStatus(obj, null, context);

    public override void PrepareForUpdate(JsonObject obj, JsonObject before, RulesContext context) => SetStatus(obj, before, context);

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var plural = obj.StringAt("spec", "names", "plural") ?? string.Empty;
        var group = obj.StringAt("spec", "group") ?? string.Empty;
        if (obj.NameOf() != $"{plural}.{group}")
        {
            errors.Add(FieldError.Invalid("metadata.name", obj.NameOf(), "must be spec.names.plural+\".\"+spec.group"));
        }

        var versions = obj.ObjectsAt("spec", "versions").ToArray();
        if (versions.Count(v => v.BoolAt("storage") == true) != 1)
        {
            errors.Add(FieldError.Invalid("spec.versions", obj.At("spec", "versions"), "must have exactly one version marked as storage version"));
        }

        foreach (var (index, version) in versions.Index())
        {
            var path = $"spec.versions[{index}].schema.openAPIV3Schema";
            if (version.ObjectAt("schema", "openAPIV3Schema") is not { } json)
            {
                errors.Add(FieldError.Required(path, "schemas are required"));
                continue;
            }

            try
            {
                var schema = SchemaJson.Read(json, path);
                if (schema.Type != "object")
                {
                    errors.Add(FieldError.Invalid($"{path}.type", schema.Type, "must be object at the root"));
                }

                CheckStructural(schema, path, root: true, errors);
            }
            catch (FormatException e)
            {
                errors.Add(FieldError.Invalid(path, string.Empty, e.Message));
            }
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
        foreach (var field in new[] { "group", "scope" })
        {
            if (obj.StringAt("spec", field) != before.StringAt("spec", field))
            {
                errors.Add(FieldError.Invalid($"spec.{field}", obj.At("spec", field), "field is immutable"));
            }
        }

        if (obj.StringAt("spec", "names", "kind") != before.StringAt("spec", "names", "kind"))
        {
            errors.Add(FieldError.Invalid("spec.names.kind", obj.At("spec", "names", "kind"), "field is immutable"));
        }
    }

    private static void CheckStructural(SchemaNode schema, string path, bool root, List<FieldError> errors)
    {
        if (schema.Type.Length == 0 && !schema.IntOrString && !schema.PreserveUnknown)
        {
            errors.Add(FieldError.Required($"{path}.type", $"must not be empty for specified {(root ? "root" : "object fields")}"));
        }

        if (schema.Properties.Count > 0 && schema.AdditionalProperties is not null)
        {
            errors.Add(FieldError.Forbidden($"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive"));
        }

        if (schema.Type == "array" && schema.Items is null)
        {
            errors.Add(FieldError.Required($"{path}.items", "must be specified"));
        }

        if (schema.ListType == "map")
        {
            foreach (var key in schema.ListMapKeys)
            {
                var field = schema.Items?.Field(key);
                if (field is null || (field.Default is null && !schema.Items!.Required.Contains(key)))
                {
                    errors.Add(FieldError.Required($"{path}.items.properties[{key}].default", $"this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"));
                }
            }
        }

        if (schema.Default is not null)
        {
            var found = new List<FieldError>();
            SchemaValidation.Validate(schema.Default, schema, $"{path}.default", found);
            errors.AddRange(found);
        }

        foreach (var (name, child) in schema.Properties)
        {
            if (!root || name != "metadata")
            {
                CheckStructural(child, $"{path}.properties[{name}]", root: false, errors);
            }
        }

        if (schema.Items is { } items)
        {
            CheckStructural(items, $"{path}.items", root: false, errors);
        }

        if (schema.AdditionalProperties is { } values)
        {
            CheckStructural(values, $"{path}.additionalProperties", root: false, errors);
        }
    }

    private static void SetStatus(JsonObject obj, JsonObject? before, RulesContext context)
    {
        var stored = before.StringsAt("status", "storedVersions").ToList();
        foreach (var version in obj.ObjectsAt("spec", "versions").Where(v => v.BoolAt("storage") == true).Select(v => v.StringAt("name")!))
        {
            if (!stored.Contains(version))
            {
                stored.Add(version);
            }
        }

        var conditions = before.ArrayAt("status", "conditions")?.DeepClone() ?? new JsonArray(
            Condition("NamesAccepted", "NoConflicts", "no conflicts found", context),
            Condition("Established", "InitialNamesAccepted", "the initial names have been accepted", context));
        obj["status"] = new JsonObject
        {
            ["acceptedNames"] = obj.At("spec", "names")?.DeepClone(),
            ["conditions"] = conditions,
            ["storedVersions"] = JsonAccess.StringArray(stored),
        };
    }

    private static JsonObject Condition(string type, string reason, string message, RulesContext context) => new()
    {
        ["lastTransitionTime"] = JsonAccess.Timestamp(context.Time.GetUtcNow()),
        ["message"] = message,
        ["reason"] = reason,
        ["status"] = "True",
        ["type"] = type,
    };
}

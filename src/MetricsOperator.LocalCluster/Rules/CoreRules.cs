using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>Namespaces: active until deleted, labelled with their own name.</summary>
internal sealed class NamespaceRules : ResourceRules
{
    public override string? CheckName(string name) => ObjectNames.CheckLabel(name);

    public override void Default(JsonObject obj) => obj.Metadata().Ensure("labels")["kubernetes.io/metadata.name"] = obj.NameOf();

    public override void PrepareForCreate(JsonObject obj, RulesContext context)
    {
        obj.Ensure("spec").Default("finalizers", new JsonArray("kubernetes"));
        obj["status"] = new JsonObject { ["phase"] = "Active" };
    }

    /// <summary>Only the end of a deletion changes the spec: the namespace controller takes the finalizer away once the namespace is empty.</summary>
    public override void PrepareForUpdate(JsonObject obj, JsonObject before, RulesContext context)
    {
        if (before.At("metadata", "deletionTimestamp") is null)
        {
            obj["spec"] = before["spec"]?.DeepClone();
        }
    }
}

/// <summary>Secrets: stringData is folded into data, type never changes, and immutable ones keep their data.</summary>
internal sealed class SecretRules : ResourceRules
{
    public override void Default(JsonObject obj)
    {
        if (obj.ObjectAt("stringData") is { } texts)
        {
            var data = obj.Ensure("data");
            foreach (var (name, value) in texts)
            {
                data[name] = Convert.ToBase64String(Encoding.UTF8.GetBytes(value.AsString() ?? string.Empty));
            }
        }

        obj.Remove("stringData");
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        foreach (var (name, value) in obj.ObjectAt("data") ?? [])
        {
            var text = value.AsString() ?? string.Empty;
            if (!Convert.TryFromBase64String(text, new byte[text.Length], out _))
            {
                errors.Add(FieldError.Invalid($"data[{name}]", "<secret contents redacted>", "illegal base64 data"));
            }
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
        if (obj.StringAt("type") != before.StringAt("type"))
        {
            errors.Add(FieldError.Invalid("type", obj["type"], "field is immutable"));
        }

        ImmutableData.Validate(obj, before, errors);
    }
}

/// <summary>ConfigMaps: immutable ones keep their data.</summary>
internal sealed class ConfigMapRules : ResourceRules
{
    private const int MaxBytes = 1024 * 1024;

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var size = (obj.ObjectAt("data") ?? []).Sum(p => Encoding.UTF8.GetByteCount(p.Value.AsString() ?? string.Empty))
            + (obj.ObjectAt("binaryData") ?? []).Sum(p => (p.Value.AsString() ?? string.Empty).Length * 3 / 4);
        if (size > MaxBytes)
        {
            errors.Add(FieldError.TooLong(string.Empty, MaxBytes));
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors) => ImmutableData.Validate(obj, before, errors);
}

/// <summary>The <c>immutable</c> switch of ConfigMaps and Secrets.</summary>
internal static class ImmutableData
{
    public static void Validate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
        if (before.BoolAt("immutable") != true)
        {
            return;
        }

        foreach (var field in new[] { "immutable", "data", "binaryData" })
        {
            if (!JsonNode.DeepEquals(obj[field], before[field]))
            {
                errors.Add(FieldError.Forbidden(field, "field is immutable when `immutable` is set"));
            }
        }
    }
}

/// <summary>Kinds whose initial status is written on creation.</summary>
internal sealed class InitialStatusRules(string status) : ResourceRules
{
    public override void PrepareForCreate(JsonObject obj, RulesContext context) => obj["status"] = JsonNode.Parse(status);
}

/// <summary>Names that only have to fit into a path: roles and their bindings.</summary>
internal sealed class RoleRules : ResourceRules
{
    public override string? CheckName(string name) => ObjectNames.CheckPathSegment(name);

    public override void Default(JsonObject obj)
    {
        if (obj.ObjectAt("roleRef") is { } role)
        {
            role.Default("apiGroup", "rbac.authorization.k8s.io");
        }

        foreach (var subject in obj.ObjectsAt("subjects"))
        {
            if (subject.StringAt("kind") is "User" or "Group")
            {
                subject.Default("apiGroup", "rbac.authorization.k8s.io");
            }
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        foreach (var (index, rule) in obj.ObjectsAt("rules").Index())
        {
            if (rule.StringsAt("verbs").Count == 0)
            {
                errors.Add(FieldError.Required($"rules[{index}].verbs", "verbs must contain at least one value"));
            }

            if (rule.StringsAt("nonResourceURLs").Count == 0 && rule.StringsAt("resources").Count == 0)
            {
                errors.Add(FieldError.Required($"rules[{index}].resources", "resource rules must supply at least one resource"));
            }
        }

        foreach (var (index, subject) in obj.ObjectsAt("subjects").Index())
        {
            if (subject.StringAt("kind") == "ServiceAccount" && string.IsNullOrEmpty(subject.StringAt("namespace")))
            {
                errors.Add(FieldError.Required($"subjects[{index}].namespace"));
            }
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
        if (!JsonNode.DeepEquals(obj["roleRef"], before["roleRef"]))
        {
            errors.Add(FieldError.Invalid("roleRef", obj["roleRef"], "cannot change roleRef"));
        }
    }
}

/// <summary>Disruption budgets: one of the two limits.</summary>
internal sealed class DisruptionBudgetRules : ResourceRules
{
    public override void PrepareForCreate(JsonObject obj, RulesContext context) =>
        obj["status"] = new JsonObject { ["currentHealthy"] = 0, ["desiredHealthy"] = 0, ["disruptionsAllowed"] = 0, ["expectedPods"] = 0 };

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (obj.At("spec", "minAvailable") is not null && obj.At("spec", "maxUnavailable") is not null)
        {
            errors.Add(FieldError.Invalid("spec", obj["spec"], "minAvailable and maxUnavailable cannot be both set"));
        }
    }
}

/// <summary>Events: names are free enough for what reporters make of them.</summary>
internal sealed class EventRules : ResourceRules
{
    public override void Default(JsonObject obj)
    {
        if (obj.ObjectAt("involvedObject") is { } about && about["namespace"] is null && obj.NamespaceOf().Length > 0 && about.StringAt("kind") is not ("Node" or "Namespace" or "PersistentVolume"))
        {
            about["namespace"] = obj.NamespaceOf();
        }
    }
}

/// <summary>Ingresses: a backend or rules, and paths that fit their type.</summary>
internal sealed class IngressRules : ResourceRules
{
    public override void PrepareForCreate(JsonObject obj, RulesContext context) => obj["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (obj.ArrayAt("spec", "rules") is not { Count: > 0 } && obj.At("spec", "defaultBackend") is null)
        {
            errors.Add(FieldError.Invalid("spec", obj["spec"], "either `defaultBackend` or `rules` must be specified"));
        }

        foreach (var (index, rule) in obj.ObjectsAt("spec", "rules").Index())
        {
            foreach (var (at, path) in rule.ObjectsAt("http", "paths").Index())
            {
                if (path.StringAt("pathType") is "Exact" or "Prefix" && path.StringAt("path")?.StartsWith('/') != true)
                {
                    errors.Add(FieldError.Invalid($"spec.rules[{index}].http.paths[{at}].path", path["path"], "must be an absolute path"));
                }
            }
        }
    }
}

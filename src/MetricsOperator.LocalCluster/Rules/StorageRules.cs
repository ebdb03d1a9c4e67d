using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>Claims: the default storage class, a size that only grows and only where the class allows it.</summary>
internal sealed class PersistentVolumeClaimRules : ResourceRules
{
    public override void PrepareForCreate(JsonObject obj, RulesContext context)
    {
        obj["status"] = new JsonObject { ["phase"] = "Pending" };
        var spec = obj.Ensure("spec");
        if (spec["storageClassName"] is null)
        {
            var preferred = context.Store.List("storage.k8s.io/storageclasses").Objects.Values
                .FirstOrDefault(c => c.Value.StringAt("metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true");
            if (preferred is not null)
            {
                spec["storageClassName"] = preferred.Key.Name;
            }
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        if (obj.StringsAt("spec", "accessModes").Count == 0)
        {
            errors.Add(FieldError.Required("spec.accessModes", "at least 1 access mode is required"));
        }

        if (obj.At("spec", "resources", "requests", "storage") is not { } size)
        {
            errors.Add(FieldError.Required("spec.resources[storage]"));
        }
        else if (Quantity.Parse(size) <= 0)
        {
            errors.Add(FieldError.Invalid("spec.resources[storage]", size, "must be greater than zero"));
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
        var now = Quantity.Parse(obj.At("spec", "resources", "requests", "storage"));
        var was = Quantity.Parse(before.At("spec", "resources", "requests", "storage"));
        if (now < was && Quantity.Parse(before.At("status", "capacity", "storage")) > now)
        {
            errors.Add(FieldError.Forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
        }
        else if (now != was && before.StringAt("status", "phase") != "Bound")
        {
            errors.Add(FieldError.Forbidden("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"));
        }

        var (a, b) = (Fixed(obj), Fixed(before));
        if (!JsonNode.DeepEquals(a, b))
        {
            errors.Add(FieldError.Forbidden("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"));
        }
    }

    private static JsonObject Fixed(JsonObject claim)
    {
        var spec = claim.ObjectAt("spec")?.Copy() ?? [];
        spec.ObjectAt("resources", "requests")?.Remove("storage");

        // Binding fills these in once.
        spec.Remove("volumeName");
        spec.Remove("storageClassName");
        return spec;
    }
}

/// <summary>Volumes start out available.</summary>
internal sealed class PersistentVolumeRules : ResourceRules
{
    public override void PrepareForCreate(JsonObject obj, RulesContext context) => obj["status"] = new JsonObject { ["phase"] = "Pending" };
}

using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Schemas;

/// <summary>Fills absent fields with the schema's defaults, also inside what was just defaulted.</summary>
internal static class SchemaDefaults
{
    public static void Apply(JsonNode? value, SchemaNode schema)
    {
        switch (value)
        {
            case JsonObject obj:
                foreach (var (name, field) in schema.Properties)
                {
                    var present = obj.TryGetPropertyValue(name, out var child);
                    if (field.Default is not null && (!present || (child is null && !field.Nullable)))
                    {
                        child = field.Default.DeepClone();
                        obj[name] = child;
                    }

                    if (child is not null)
                    {
                        Apply(child, field);
                    }
                }

                if (schema.AdditionalProperties is { } values)
                {
                    foreach (var (_, child) in obj)
                    {
                        Apply(child, values);
                    }
                }

                break;
            case JsonArray array when schema.Items is { } items:
                foreach (var item in array)
                {
                    Apply(item, items);
                }

                break;
        }
    }
}

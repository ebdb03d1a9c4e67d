using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Schemas;

/// <summary>Removes what the schema does not know and names it.</summary>
internal static class UnknownFields
{
    /// <summary>Prunes the object in place; the paths of removed fields are added to <paramref name="removed"/>.</summary>
    public static void Prune(JsonNode? value, SchemaNode schema, string path, List<string> removed)
    {
        switch (value)
        {
            case JsonObject obj:
                PruneObject(obj, schema, path, removed);
                break;
            case JsonArray array when schema.Items is { } items:
                foreach (var (index, item) in array.Index())
                {
                    Prune(item, items, $"{path}[{index}]", removed);
                }

                break;
        }
    }

    private static void PruneObject(JsonObject obj, SchemaNode schema, string path, List<string> removed)
    {
        var known = schema.PreserveUnknown || schema.AdditionalProperties is not null;
        foreach (var (name, child) in obj.ToArray())
        {
            var childPath = path.Length == 0 ? name : $"{path}.{name}";
            if (schema.Field(name) is { } field)
            {
                Prune(child, field, childPath, removed);
            }
            else if (!known && !(schema.EmbeddedResource && name is "apiVersion" or "kind" or "metadata"))
            {
                obj.Remove(name);
                removed.Add(childPath);
            }
        }
    }
}

using System.Text.Json.Nodes;

namespace MetricsOperator.Planning.Stacks;

/// <summary>Puts the user's partial pod template over the generated one.</summary>
internal static class PodTemplateMerge
{
    /// <summary>Maps merge, lists of named objects merge by name, other values and lists replace, null removes.</summary>
    public static JsonNode? Merge(JsonNode? original, JsonNode? patch)
    {
        switch (patch)
        {
            case JsonObject map:
                var merged = original is JsonObject there ? there.DeepClone().AsObject() : [];
                foreach (var (name, value) in map)
                {
                    if (value is null)
                    {
                        merged.Remove(name);
                    }
                    else
                    {
                        merged[name] = Merge(merged[name], value);
                    }
                }

                return merged;
            case JsonArray list when original is JsonArray old && list.Concat(old).All(item => Name(item) is not null):
                return MergeByName(old, list);
            default:
                return patch?.DeepClone();
        }
    }

    private static JsonArray MergeByName(JsonArray original, JsonArray patch)
    {
        var result = new JsonArray();
        var patches = patch.ToDictionary(item => Name(item)!, StringComparer.Ordinal);
        foreach (var item in original)
        {
            result.Add(patches.Remove(Name(item)!, out var change) ? Merge(item, change) : item?.DeepClone());
        }

        foreach (var item in patch.Where(item => patches.ContainsKey(Name(item)!)))
        {
            result.Add(item?.DeepClone());
        }

        return result;
    }

    private static string? Name(JsonNode? item) => item is JsonObject map ? (string?)map["name"] : null;
}

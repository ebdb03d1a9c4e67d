using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.FieldOwnership;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Patching;

/// <summary>
/// Strategic merge patch for built-in kinds: lists merge by the key that the schema names. Directives: <c>$patch</c> (replace, delete, merge),
/// <c>$deleteFromPrimitiveList/field</c>, <c>$setElementOrder/field</c>, <c>$retainKeys</c>.
/// </summary>
internal static class StrategicMergePatch
{
    private const string DeletePrefix = "$deleteFromPrimitiveList/";
    private const string OrderPrefix = "$setElementOrder/";

    /// <exception cref="ApiStatusException">400 for a directive or a list item that cannot be understood.</exception>
    public static JsonObject Apply(JsonObject target, JsonObject patch, SchemaNode schema)
    {
        switch (patch.StringAt("$patch"))
        {
            case "replace":
                var replacement = patch.Copy();
                replacement.Remove("$patch");
                return replacement;
            case "delete":
                return [];
        }

        var result = target.Copy();
        if (patch["$retainKeys"] is JsonArray retained)
        {
            var keep = retained.Select(k => k.AsString()).ToHashSet(StringComparer.Ordinal);
            foreach (var name in result.Select(p => p.Key).Where(k => !keep.Contains(k)).ToArray())
            {
                result.Remove(name);
            }
        }

        foreach (var (name, value) in patch)
        {
            if (name is "$patch" or "$retainKeys" || name.StartsWith(OrderPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            if (name.StartsWith(DeletePrefix, StringComparison.Ordinal))
            {
                DeleteValues(result, name[DeletePrefix.Length..], value as JsonArray);
                continue;
            }

            MergeField(result, name, value, TypedFields.FieldOf(schema, name));
        }

        foreach (var (name, value) in patch)
        {
            if (name.StartsWith(OrderPrefix, StringComparison.Ordinal) && value is JsonArray order)
            {
                var field = name[OrderPrefix.Length..];
                Reorder(result, field, order, TypedFields.FieldOf(schema, field));
            }
        }

        return result;
    }

    private static void MergeField(JsonObject result, string name, JsonNode? value, SchemaNode schema)
    {
        switch (value)
        {
            case null:
                result.Remove(name);
                break;
            case JsonObject changes:
                result[name] = schema.PatchStrategy.Contains("replace", StringComparison.Ordinal)
                    ? changes.DeepClone()
                    : Apply(result[name] as JsonObject ?? [], changes, schema);
                break;
            case JsonArray items when schema.PatchStrategy.Contains("merge", StringComparison.Ordinal):
                result[name] = schema.PatchMergeKey.Length > 0
                    ? MergeObjects(result[name] as JsonArray ?? [], items, schema)
                    : MergeValues(result[name] as JsonArray ?? [], items);
                break;
            default:
                result[name] = value.DeepClone();
                break;
        }
    }

    private static JsonArray MergeObjects(JsonArray existing, JsonArray changes, SchemaNode schema)
    {
        var key = schema.PatchMergeKey;
        if (changes.OfType<JsonObject>().Any(c => c.StringAt("$patch") == "replace"))
        {
            return new JsonArray([.. changes.OfType<JsonObject>().Where(c => c["$patch"] is null).Select(c => c.DeepClone())]);
        }

        var result = (JsonArray)existing.DeepClone();
        foreach (var change in changes.OfType<JsonObject>())
        {
            var id = change[key] ?? throw ApiErrors.BadRequest($"map: {JsonDocuments.ToText(change)} does not contain declared merge key: {key}");
            var at = result.Index().FirstOrDefault(p => JsonNode.DeepEquals(p.Item.At(key), id), (-1, null)).Index;
            if (change.StringAt("$patch") == "delete")
            {
                if (at >= 0)
                {
                    result.RemoveAt(at);
                }
            }
            else if (at >= 0)
            {
                result[at] = Apply((JsonObject)result[at]!, change, TypedFields.ItemsOf(schema));
            }
            else
            {
                result.Add(Apply([], change, TypedFields.ItemsOf(schema)));
            }
        }

        return result;
    }

    private static JsonArray MergeValues(JsonArray existing, JsonArray added)
    {
        var result = (JsonArray)existing.DeepClone();
        foreach (var value in added.Where(v => !result.Any(r => JsonNode.DeepEquals(r, v))).ToArray())
        {
            result.Add(value?.DeepClone());
        }

        return result;
    }

    private static void DeleteValues(JsonObject result, string field, JsonArray? values)
    {
        if (result[field] is JsonArray list && values is not null)
        {
            foreach (var item in list.Where(i => values.Any(v => JsonNode.DeepEquals(v, i))).ToArray())
            {
                list.Remove(item);
            }
        }
    }

    /// <summary>Items named by the order come in that order; the others keep their place relative to the item before them.</summary>
    private static void Reorder(JsonObject result, string field, JsonArray order, SchemaNode schema)
    {
        if (result[field] is not JsonArray list)
        {
            return;
        }

        var key = schema.PatchMergeKey;
        JsonNode? Id(JsonNode? item) => key.Length > 0 ? item.At(key) : item;
        var wanted = order.Select(Id).ToArray();
        int Rank(JsonNode? item) => Array.FindIndex(wanted, w => JsonNode.DeepEquals(w, Id(item)));
        var ordered = new Queue<JsonNode?>(list.Where(i => Rank(i) >= 0).OrderBy(Rank));
        result[field] = new JsonArray([.. list.Select(i => (Rank(i) >= 0 ? ordered.Dequeue() : i)?.DeepClone())]);
    }
}

using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.FieldOwnership;

/// <summary>The two document operations of server-side apply: lay a configuration over the live object, and take out what is no longer applied.</summary>
internal static class ApplyMerge
{
    /// <summary>The live value with the applied configuration laid over it.</summary>
    public static JsonNode? Merge(JsonNode? live, JsonNode? applied, SchemaNode schema)
    {
        if (TypedFields.IsGranularMap(live, schema) && TypedFields.IsGranularMap(applied, schema))
        {
            var result = (JsonObject)live!.DeepClone();
            foreach (var (name, value) in (JsonObject)applied!)
            {
                result[name] = Merge(live[name], value, TypedFields.FieldOf(schema, name));
            }

            return result;
        }

        if (TypedFields.IsAssociativeList(live, schema) && TypedFields.IsAssociativeList(applied, schema))
        {
            return MergeLists((JsonArray)live!, (JsonArray)applied!, schema);
        }

        return applied?.DeepClone();
    }

    /// <summary>
    /// Takes out of the object what the manager applied before (<paramref name="last"/>) and nobody owns now
    /// (<paramref name="owned"/>: the union of all managers, this one's new set included).
    /// </summary>
    public static void RemoveAbandoned(JsonNode? value, SchemaNode schema, FieldSet last, FieldSet? owned)
    {
        switch (value)
        {
            case JsonObject obj:
                foreach (var (element, below) in last.Children)
                {
                    var name = element.StartsWith("f:", StringComparison.Ordinal) ? element[2..] : string.Empty;
                    if (!obj.ContainsKey(name))
                    {
                        continue;
                    }

                    if (owned?.Find(element) is not { IsEmpty: false } kept)
                    {
                        obj.Remove(name);
                    }
                    else
                    {
                        RemoveAbandoned(obj[name], TypedFields.FieldOf(schema, name), below, kept);
                    }
                }

                break;
            case JsonArray array when schema.IsAssociativeList:
                foreach (var item in array.ToArray())
                {
                    var element = TypedFields.ElementOf(item, schema);
                    if (last.Find(element) is not { } below)
                    {
                        continue;
                    }

                    if (owned?.Find(element) is not { IsEmpty: false } kept)
                    {
                        array.Remove(item);
                    }
                    else
                    {
                        RemoveAbandoned(item, TypedFields.ItemsOf(schema), below, kept);
                    }
                }

                break;
        }
    }

    /// <summary>Applied items keep the applied order; items that only the live list has stay after the item they followed.</summary>
    private static JsonArray MergeLists(JsonArray live, JsonArray applied, SchemaNode schema)
    {
        var liveItems = TypedFields.ByElement(live, schema);
        var appliedKeys = applied.Select(i => TypedFields.ElementOf(i, schema)).ToList();
        var appliedSet = appliedKeys.ToHashSet(StringComparer.Ordinal);
        var result = new JsonArray();
        var next = 0;
        foreach (var item in live)
        {
            var key = TypedFields.ElementOf(item, schema);
            if (appliedSet.Contains(key))
            {
                EmitApplied();
            }
            else
            {
                result.Add(item?.DeepClone());
            }
        }

        while (next < applied.Count)
        {
            EmitApplied();
        }

        return result;

        void EmitApplied()
        {
            if (next < applied.Count)
            {
                var existing = liveItems.GetValueOrDefault(appliedKeys[next]);
                result.Add(existing is null ? applied[next]?.DeepClone() : Merge(existing, applied[next], TypedFields.ItemsOf(schema)));
                next++;
            }
        }
    }
}

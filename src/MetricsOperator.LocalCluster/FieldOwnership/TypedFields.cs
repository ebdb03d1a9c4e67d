using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.FieldOwnership;

/// <summary>How the parts of an object are named and merged under its schema: which lists have keys, which maps are one value.</summary>
internal static class TypedFields
{
    private static readonly SchemaNode Anything = new() { PreserveUnknown = true };

    /// <summary>The schema of a field, or a schema that allows anything.</summary>
    public static SchemaNode FieldOf(SchemaNode schema, string name) => schema.Field(name) ?? Anything;

    public static SchemaNode ItemsOf(SchemaNode schema) => schema.Items ?? Anything;

    /// <summary>Whether the value is merged and owned field by field.</summary>
    public static bool IsGranularMap(JsonNode? value, SchemaNode schema) => value is JsonObject && !schema.IsAtomicMap;

    /// <summary>Whether the value is merged and owned item by item.</summary>
    public static bool IsAssociativeList(JsonNode? value, SchemaNode schema) => value is JsonArray && schema.IsAssociativeList;

    /// <summary>The path element of a list item: its keys or, in a set, its value.</summary>
    public static string ElementOf(JsonNode? item, SchemaNode list)
    {
        if (list.ListType == "set" || item is not JsonObject obj)
        {
            return "v:" + JsonDocuments.ToText(item);
        }

        var keys = new JsonObject();
        foreach (var name in list.ListMapKeys.Order(StringComparer.Ordinal))
        {
            keys[name] = (obj[name] ?? list.Items?.Field(name)?.Default)?.DeepClone();
        }

        return "k:" + JsonDocuments.ToText(keys);
    }

    /// <summary>The paths that the value sets: every leaf, every map entry without a value below, every list item.</summary>
    public static FieldSet SetOf(JsonNode? value, SchemaNode schema)
    {
        var set = new FieldSet();
        Collect(value, schema, set);
        return set;
    }

    /// <summary>What differs between two values: paths changed or added, and paths removed.</summary>
    public static (FieldSet Changed, FieldSet Removed) Compare(JsonNode? before, JsonNode? after, SchemaNode schema)
    {
        var changed = new FieldSet();
        var removed = new FieldSet();
        Compare(before, after, schema, changed, removed);
        return (changed, removed);
    }

    private static void Collect(JsonNode? value, SchemaNode schema, FieldSet into)
    {
        if (IsGranularMap(value, schema))
        {
            var obj = (JsonObject)value!;
            foreach (var (name, child) in obj)
            {
                var below = into.Child("f:" + name);
                var known = schema.Properties.ContainsKey(name);
                Collect(child, FieldOf(schema, name), below);
                below.IsMember |= !known || child is null or JsonObject { Count: 0 };
            }
        }
        else if (IsAssociativeList(value, schema))
        {
            var items = ItemsOf(schema);
            foreach (var item in (JsonArray)value!)
            {
                var below = into.Child(ElementOf(item, schema));
                Collect(item, items, below);
                below.IsMember = true;
            }
        }
        else
        {
            into.IsMember = true;
        }
    }

    private static void Compare(JsonNode? before, JsonNode? after, SchemaNode schema, FieldSet changed, FieldSet removed)
    {
        if (JsonNode.DeepEquals(before, after) && !IsAssociativeList(before, schema))
        {
            return;
        }

        if (IsGranularMap(before, schema) && IsGranularMap(after, schema))
        {
            var old = (JsonObject)before!;
            var now = (JsonObject)after!;
            foreach (var name in old.Select(p => p.Key).Union(now.Select(p => p.Key)))
            {
                CompareChild(old.ContainsKey(name), old[name], now.ContainsKey(name), now[name], FieldOf(schema, name), "f:" + name, !schema.Properties.ContainsKey(name));
            }
        }
        else if (IsAssociativeList(before, schema) && IsAssociativeList(after, schema))
        {
            var old = ByElement((JsonArray)before!, schema);
            var now = ByElement((JsonArray)after!, schema);
            foreach (var element in old.Keys.Union(now.Keys))
            {
                CompareChild(old.ContainsKey(element), old.GetValueOrDefault(element), now.ContainsKey(element), now.GetValueOrDefault(element), ItemsOf(schema), element, true);
            }
        }
        else
        {
            changed.IsMember = true;
        }

        void CompareChild(bool wasThere, JsonNode? was, bool isThere, JsonNode? now, SchemaNode child, string element, bool memberItself)
        {
            if (wasThere && isThere)
            {
                Compare(was, now, child, changed.Child(element), removed.Child(element));
                return;
            }

            var into = (isThere ? changed : removed).Child(element);
            var value = isThere ? now : was;
            Collect(value, child, into);
            into.IsMember |= memberItself || value is null or JsonObject { Count: 0 };
        }
    }

    public static Dictionary<string, JsonNode?> ByElement(JsonArray list, SchemaNode schema)
    {
        var items = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var item in list)
        {
            items[ElementOf(item, schema)] = item;
        }

        return items;
    }
}

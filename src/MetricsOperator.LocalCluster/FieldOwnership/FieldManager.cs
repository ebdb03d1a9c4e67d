using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.FieldOwnership;

/// <summary>Who writes: a manager's name, the version of the object it speaks and the subresource it writes through.</summary>
internal sealed record FieldWriter(string Manager, string ApiVersion, string Subresource, DateTimeOffset Now);

/// <summary>Keeps metadata.managedFields through updates and server-side applies.</summary>
internal static class FieldManager
{
    /// <summary>Metadata that belongs to the server and is owned by nobody.</summary>
    private static readonly string[][] Unowned =
    [
        ["f:apiVersion"], ["f:kind"], ["f:metadata", "f:name"], ["f:metadata", "f:namespace"], ["f:metadata", "f:creationTimestamp"],
        ["f:metadata", "f:selfLink"], ["f:metadata", "f:uid"], ["f:metadata", "f:clusterName"], ["f:metadata", "f:generation"],
        ["f:metadata", "f:managedFields"], ["f:metadata", "f:resourceVersion"], ["f:metadata", "f:deletionTimestamp"], ["f:metadata", "f:deletionGracePeriodSeconds"],
    ];

    /// <summary>Records an update: the writer owns what it changed, everybody loses what was removed or changed by it.</summary>
    public static void Update(JsonObject? before, JsonObject after, SchemaNode schema, FieldWriter writer)
    {
        var managers = Read(before);
        var (changed, removed) = TypedFields.Compare(WithoutBookkeeping(before) ?? [], WithoutBookkeeping(after), schema);
        Strip(changed);
        Strip(removed);
        foreach (var other in managers.Where(m => !m.Is(writer, "Update")))
        {
            other.Fields = other.Fields.Difference(changed).DifferenceBelow(removed);
        }

        var mine = managers.Find(m => m.Is(writer, "Update"));
        var fields = (mine?.Fields ?? new FieldSet()).Union(changed).DifferenceBelow(removed);
        if (mine is null)
        {
            managers.Add(mine = new ManagedEntry(writer.Manager, "Update", writer.ApiVersion, writer.Subresource) { Time = writer.Now });
        }
        else if (!mine.Fields.SetEquals(fields) || !changed.IsEmpty)
        {
            mine.Time = writer.Now;
        }

        mine.Fields = fields;
        Write(after, managers);
    }

    /// <summary>The live object after a server-side apply; fields of other managers that would change are a conflict unless forced.</summary>
    /// <exception cref="ApiStatusException">409 Conflict naming managers and fields.</exception>
    public static JsonObject Apply(JsonObject? live, JsonObject applied, SchemaNode schema, FieldWriter writer, bool force, Action<JsonObject> complete)
    {
        var managers = Read(live);
        var liveFields = WithoutBookkeeping(live) ?? [];
        var merged = (JsonObject)ApplyMerge.Merge(liveFields, WithoutBookkeeping(applied), schema)!;
        var appliedSet = TypedFields.SetOf(WithoutBookkeeping(applied), schema);
        var mine = managers.Find(m => m.Is(writer, "Apply"));
        var last = mine?.Fields ?? new FieldSet();
        var owned = managers.Where(m => m != mine).Aggregate(appliedSet, (all, m) => all.Union(m.Fields));
        ApplyMerge.RemoveAbandoned(merged, schema, last, owned);
        Strip(appliedSet);

        var (changed, _) = TypedFields.Compare(liveFields, merged, schema);
        var conflicts = managers.Where(m => m != mine).Select(m => (Manager: m, Fields: m.Fields.Intersection(changed).Intersection(appliedSet))).Where(c => !c.Fields.IsEmpty).ToArray();
        if (conflicts.Length > 0 && !force)
        {
            throw Conflict(conflicts);
        }

        foreach (var (manager, fields) in conflicts)
        {
            manager.Fields = manager.Fields.Difference(fields);
        }

        complete(merged);
        var (_, removed) = TypedFields.Compare(liveFields, WithoutBookkeeping(merged), schema);
        foreach (var other in managers.Where(m => m != mine))
        {
            other.Fields = other.Fields.DifferenceBelow(removed);
        }

        if (mine is null)
        {
            managers.Add(mine = new ManagedEntry(writer.Manager, "Apply", writer.ApiVersion, writer.Subresource) { Time = writer.Now });
        }
        else if (!mine.Fields.SetEquals(appliedSet) || !changed.IsEmpty || !removed.IsEmpty)
        {
            mine.Time = writer.Now;
        }

        mine.Fields = appliedSet;
        Write(merged, managers);
        return merged;
    }

    private static ApiStatusException Conflict((ManagedEntry Manager, FieldSet Fields)[] conflicts)
    {
        var causes = new JsonArray();
        var lines = new List<string>();
        var total = 0;
        foreach (var (manager, fields) in conflicts)
        {
            var paths = fields.Paths().ToArray();
            total += paths.Length;
            lines.Add($"conflicts with {manager.Describe()}:");
            foreach (var path in paths)
            {
                lines.Add($"- {path}");
                causes.Add(new JsonObject { ["reason"] = "FieldManagerConflict", ["message"] = $"conflict with {manager.Describe()}", ["field"] = path });
            }
        }

        var text = total == 1
            ? $"conflict with {conflicts[0].Manager.Describe()}: {conflicts[0].Fields.Paths().First()}"
            : string.Join('\n', lines);
        return new ApiStatusException(409, "Conflict", $"Apply failed with {total} conflict{(total == 1 ? string.Empty : "s")}: {text}", new JsonObject { ["causes"] = causes });
    }

    private static JsonObject? WithoutBookkeeping(JsonObject? obj)
    {
        if (obj?.ObjectAt("metadata", "managedFields") is null && obj?.ArrayAt("metadata", "managedFields") is null)
        {
            return obj;
        }

        var copy = obj.Copy();
        copy.Metadata().Remove("managedFields");
        return copy;
    }

    private static void Strip(FieldSet set)
    {
        foreach (var path in Unowned)
        {
            set.Remove(path);
        }

        if (set.Find("f:metadata") is { } metadata)
        {
            metadata.IsMember = false;
        }
    }

    private static List<ManagedEntry> Read(JsonObject? obj) => [.. obj.ObjectsAt("metadata", "managedFields").Select(ManagedEntry.FromJson)];

    private static void Write(JsonObject obj, List<ManagedEntry> managers)
    {
        var entries = managers.Where(m => !m.Fields.IsEmpty).OrderBy(m => m.Operation, StringComparer.Ordinal).ThenBy(m => m.Time).ThenBy(m => m.Manager, StringComparer.Ordinal);
        var list = new JsonArray([.. entries.Select(m => (JsonNode)m.ToJson())]);
        if (list.Count > 0)
        {
            obj.Metadata()["managedFields"] = list;
        }
        else
        {
            obj.Metadata().Remove("managedFields");
        }
    }
}

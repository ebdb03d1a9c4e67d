using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.FieldOwnership;

/// <summary>
/// A set of field paths as a trie, in the vocabulary of FieldsV1: <c>f:name</c> is a field, <c>k:{"name":"x"}</c> the item of an
/// associative list, <c>v:"x"</c> the item of a set. A node can itself be a member (".") and have members below.
/// </summary>
internal sealed class FieldSet
{
    private readonly SortedDictionary<string, FieldSet> _children = new(StringComparer.Ordinal);

    /// <summary>Whether the path that leads here is in the set.</summary>
    public bool IsMember { get; set; }

    public IReadOnlyDictionary<string, FieldSet> Children => _children;

    public bool IsEmpty => !IsMember && _children.Values.All(c => c.IsEmpty);

    public FieldSet? Find(string element) => _children.GetValueOrDefault(element);

    public FieldSet Child(string element)
    {
        if (!_children.TryGetValue(element, out var child))
        {
            _children[element] = child = new FieldSet();
        }

        return child;
    }

    public void Remove(params ReadOnlySpan<string> path)
    {
        if (path.Length == 1)
        {
            _children.Remove(path[0]);
        }
        else
        {
            Find(path[0])?.Remove(path[1..]);
        }
    }

    public FieldSet Union(FieldSet other)
    {
        var result = new FieldSet { IsMember = IsMember || other.IsMember };
        foreach (var name in _children.Keys.Union(other._children.Keys))
        {
            result._children[name] = (Find(name), other.Find(name)) switch
            {
                ({ } a, { } b) => a.Union(b),
                ({ } a, null) => a,
                var (_, b) => b!,
            };
        }

        return result;
    }

    /// <summary>Members of this set that are not members of the other.</summary>
    public FieldSet Difference(FieldSet other)
    {
        var result = new FieldSet { IsMember = IsMember && !other.IsMember };
        foreach (var (name, child) in _children)
        {
            var rest = other.Find(name) is { } taken ? child.Difference(taken) : child;
            if (!rest.IsEmpty)
            {
                result._children[name] = rest;
            }
        }

        return result;
    }

    /// <summary>Members of this set that are neither members of the other nor lie below one.</summary>
    public FieldSet DifferenceBelow(FieldSet other)
    {
        var result = new FieldSet { IsMember = IsMember && !other.IsMember };
        foreach (var (name, child) in _children)
        {
            var taken = other.Find(name);
            var rest = taken is null ? child : taken.IsMember ? new FieldSet() : child.DifferenceBelow(taken);
            if (!rest.IsEmpty)
            {
                result._children[name] = rest;
            }
        }

        return result;
    }

    public FieldSet Intersection(FieldSet other)
    {
        var result = new FieldSet { IsMember = IsMember && other.IsMember };
        foreach (var (name, child) in _children)
        {
            if (other.Find(name) is { } match && child.Intersection(match) is { IsEmpty: false } both)
            {
                result._children[name] = both;
            }
        }

        return result;
    }

    public bool SetEquals(FieldSet other) =>
        IsMember == other.IsMember
        && _children.Where(c => !c.Value.IsEmpty).Select(c => c.Key).SequenceEqual(other._children.Where(c => !c.Value.IsEmpty).Select(c => c.Key))
        && _children.Where(c => !c.Value.IsEmpty).All(c => c.Value.SetEquals(other._children[c.Key]));

    /// <summary>The members as Kubernetes prints them in a conflict: <c>.spec.template.spec.containers[name="app"].image</c>.</summary>
    public IEnumerable<string> Paths(string prefix = "")
    {
        if (IsMember)
        {
            yield return prefix;
        }

        foreach (var (element, child) in _children)
        {
            foreach (var path in child.Paths(prefix + Describe(element)))
            {
                yield return path;
            }
        }
    }

    public JsonObject ToJson()
    {
        var json = new JsonObject();
        if (IsMember && _children.Count > 0)
        {
            json["."] = new JsonObject();
        }

        foreach (var (element, child) in _children)
        {
            if (!child.IsEmpty)
            {
                json[element] = child.ToJson();
            }
        }

        return json;
    }

    public static FieldSet FromJson(JsonObject json)
    {
        var set = new FieldSet();
        foreach (var (element, value) in json)
        {
            if (element == ".")
            {
                set.IsMember = true;
                continue;
            }

            var child = value is JsonObject nested ? FromJson(nested) : new FieldSet();
            child.IsMember |= child._children.Count == 0;
            set._children[element] = child;
        }

        return set;
    }

    private static string Describe(string element)
    {
        if (element.StartsWith("k:", StringComparison.Ordinal) && JsonNode.Parse(element[2..]) is JsonObject keys)
        {
            return $"[{string.Join(",", keys.Select(k => $"{k.Key}={JsonDocuments.ToText(k.Value)}"))}]";
        }

        return element.StartsWith("v:", StringComparison.Ordinal) ? $"[={element[2..]}]" : $".{element[2..]}";
    }
}

using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;

namespace MetricsOperator.LocalCluster.Discovery;

/// <summary>What is served, in the legacy and in the aggregated form.</summary>
internal sealed class DiscoveryDocuments(ResourceCatalog catalog)
{
    private static readonly string[] StatusVerbs = ["get", "patch", "update"];

    public static JsonObject ApiVersions(string serverAddress) => new()
    {
        ["kind"] = "APIVersions",
        ["versions"] = new JsonArray("v1"),
        ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = serverAddress }),
    };

    public JsonObject GroupList() => new()
    {
        ["kind"] = "APIGroupList",
        ["apiVersion"] = "v1",
        ["groups"] = new JsonArray([.. Groups().Where(g => g.Length > 0).Select(g => (JsonNode)GroupEntry(g))]),
    };

    /// <summary>One group, or null when it is not served.</summary>
    public JsonObject? Group(string group)
    {
        if (group.Length == 0 || !Groups().Contains(group))
        {
            return null;
        }

        var entry = GroupEntry(group);
        entry.Insert(0, "kind", "APIGroup");
        entry.Insert(1, "apiVersion", "v1");
        return entry;
    }

    /// <summary>The resources of one version, or null when it is not served.</summary>
    public JsonObject? ResourceList(string group, string version)
    {
        var definitions = catalog.All.Where(r => r.Group == group && r.Version == version).ToArray();
        if (definitions.Length == 0)
        {
            return null;
        }

        return new JsonObject
        {
            ["kind"] = "APIResourceList",
            ["apiVersion"] = "v1",
            ["groupVersion"] = group.Length == 0 ? version : $"{group}/{version}",
            ["resources"] = new JsonArray([.. definitions.OrderBy(d => d.Plural, StringComparer.Ordinal).SelectMany(Entries)]),
        };
    }

    /// <summary>APIGroupDiscoveryList of the core group (<c>/api</c>) or of all others (<c>/apis</c>).</summary>
    public JsonObject Aggregated(bool core) => new()
    {
        ["kind"] = "APIGroupDiscoveryList",
        ["apiVersion"] = "apidiscovery.k8s.io/v2",
        ["metadata"] = new JsonObject(),
        ["items"] = new JsonArray([.. Groups().Where(g => g.Length == 0 == core).Select(g => (JsonNode)AggregatedGroup(g))]),
    };

    private IEnumerable<string> Groups() => catalog.All.Select(r => r.Group).Distinct();

    private IReadOnlyList<string> Versions(string group) => [.. catalog.All.Where(r => r.Group == group).Select(r => r.Version).Distinct().OrderByDescending(v => v, ApiVersionOrder.Instance)];

    private JsonObject GroupEntry(string group)
    {
        var versions = Versions(group).Select(v => new JsonObject { ["groupVersion"] = $"{group}/{v}", ["version"] = v }).ToArray();
        return new JsonObject
        {
            ["name"] = group,
            ["versions"] = new JsonArray([.. versions]),
            ["preferredVersion"] = versions[0].Copy(),
        };
    }

    private JsonObject AggregatedGroup(string group)
    {
        var metadata = new JsonObject { ["creationTimestamp"] = null };
        if (group.Length > 0)
        {
            metadata["name"] = group;
        }

        return new JsonObject
        {
            ["metadata"] = metadata,
            ["versions"] = new JsonArray([.. Versions(group).Select(v => (JsonNode)new JsonObject
            {
                ["version"] = v,
                ["resources"] = new JsonArray([.. catalog.All.Where(r => r.Group == group && r.Version == v).OrderBy(r => r.Plural, StringComparer.Ordinal).Select(r => (JsonNode)AggregatedResource(r))]),
                ["freshness"] = "Current",
            })]),
        };
    }

    private static JsonObject AggregatedResource(ResourceDefinition definition)
    {
        var json = new JsonObject
        {
            ["resource"] = definition.Plural,
            ["responseKind"] = Kind(definition.Group, definition.Version, definition.Kind),
            ["scope"] = definition.Namespaced ? "Namespaced" : "Cluster",
            ["singularResource"] = definition.Singular,
            ["verbs"] = JsonAccess.StringArray(definition.Verbs),
        };
        if (definition.ShortNames.Count > 0)
        {
            json["shortNames"] = JsonAccess.StringArray(definition.ShortNames);
        }

        if (definition.Categories.Count > 0)
        {
            json["categories"] = JsonAccess.StringArray(definition.Categories);
        }

        var subresources = Subresources(definition).Select(s => (JsonNode)new JsonObject
        {
            ["subresource"] = s.Name,
            ["responseKind"] = Kind(s.Group, s.Version, s.Kind),
            ["verbs"] = JsonAccess.StringArray(s.Verbs),
        }).ToArray();
        if (subresources.Length > 0)
        {
            json["subresources"] = new JsonArray(subresources);
        }

        return json;
    }

    private static IEnumerable<JsonNode> Entries(ResourceDefinition definition)
    {
        var entry = new JsonObject
        {
            ["name"] = definition.Plural,
            ["singularName"] = definition.Singular,
            ["namespaced"] = definition.Namespaced,
            ["kind"] = definition.Kind,
            ["verbs"] = JsonAccess.StringArray(definition.Verbs),
        };
        if (definition.ShortNames.Count > 0)
        {
            entry["shortNames"] = JsonAccess.StringArray(definition.ShortNames);
        }

        if (definition.Categories.Count > 0)
        {
            entry["categories"] = JsonAccess.StringArray(definition.Categories);
        }

        yield return entry;
        foreach (var sub in Subresources(definition))
        {
            yield return new JsonObject
            {
                ["name"] = $"{definition.Plural}/{sub.Name}",
                ["singularName"] = string.Empty,
                ["namespaced"] = definition.Namespaced,
                ["group"] = sub.Group,
                ["version"] = sub.Version,
                ["kind"] = sub.Kind,
                ["verbs"] = JsonAccess.StringArray(sub.Verbs),
            };
        }
    }

    private static IEnumerable<(string Name, string Group, string Version, string Kind, string[] Verbs)> Subresources(ResourceDefinition definition)
    {
        if (definition.HasStatus)
        {
            yield return ("status", definition.Group, definition.Version, definition.Kind, StatusVerbs);
        }

        if (definition.Scale is not null)
        {
            yield return ("scale", "autoscaling", "v1", "Scale", StatusVerbs);
        }

        switch (definition.StorageKey)
        {
            case "pods":
                yield return ("eviction", "policy", "v1", "Eviction", ["create"]);
                yield return ("log", string.Empty, "v1", "Pod", ["get"]);
                break;
            case "serviceaccounts":
                yield return ("token", "authentication.k8s.io", "v1", "TokenRequest", ["create"]);
                break;
        }
    }

    private static JsonObject Kind(string group, string version, string kind) => new() { ["group"] = group, ["version"] = version, ["kind"] = kind };
}

using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Discovery;

/// <summary>OpenAPI v3 (one document per group version) and v2 (one for all), made from the same schemas that validate requests.</summary>
internal sealed class OpenApiDocuments(ResourceCatalog catalog)
{
    private const string V3Prefix = "#/components/schemas/";
    private const string V2Prefix = "#/definitions/";

    /// <summary>The index at <c>/openapi/v3</c>.</summary>
    public JsonObject Index()
    {
        var paths = new JsonObject();
        foreach (var (group, version) in catalog.All.Select(r => (r.Group, r.Version)).Distinct())
        {
            var path = group.Length == 0 ? $"api/{version}" : $"apis/{group}/{version}";
            paths[path] = new JsonObject { ["serverRelativeURL"] = string.Create(CultureInfo.InvariantCulture, $"/openapi/v3/{path}?hash={catalog.Generation:X16}") };
        }

        return new JsonObject { ["paths"] = paths };
    }

    /// <summary>The document of one group version, or null when it is not served.</summary>
    public JsonObject? GroupVersion(string group, string version)
    {
        var definitions = catalog.All.Where(r => r.Group == group && r.Version == version).ToArray();
        if (definitions.Length == 0)
        {
            return null;
        }

        var schemas = new JsonObject();
        var paths = new JsonObject();
        foreach (var definition in definitions)
        {
            AddKind(schemas, definition, V3Prefix, v2: false);
            AddPaths(paths, definition, v2: false);
        }

        AddReferenced(schemas, definitions, V3Prefix, v2: false);
        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = ServerVersion.GitVersion },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas },
        };
    }

    /// <summary>The document of everything at <c>/openapi/v2</c>.</summary>
    public JsonObject Everything()
    {
        var definitions = new JsonObject();
        var paths = new JsonObject();
        foreach (var definition in catalog.All)
        {
            AddKind(definitions, definition, V2Prefix, v2: true);
            AddPaths(paths, definition, v2: true);
        }

        AddReferenced(definitions, catalog.All, V2Prefix, v2: true);
        return new JsonObject
        {
            ["swagger"] = "2.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = ServerVersion.GitVersion },
            ["paths"] = paths,
            ["definitions"] = definitions,
        };
    }

    private static void AddKind(JsonObject schemas, ResourceDefinition definition, string prefix, bool v2)
    {
        var schema = SchemaJson.Write(definition.Schema, prefix, v2, asDefinition: true);
        schema["x-kubernetes-group-version-kind"] = new JsonArray(GroupVersionKind(definition, definition.Kind));
        schemas[definition.SchemaName] = schema;
        if (definition.IsVirtual)
        {
            return;
        }

        var list = new JsonObject
        {
            ["type"] = "object",
            ["description"] = $"{definition.ListKind} is a list of {definition.Kind}",
            ["required"] = new JsonArray("items"),
            ["properties"] = new JsonObject
            {
                ["apiVersion"] = new JsonObject { ["type"] = "string" },
                ["kind"] = new JsonObject { ["type"] = "string" },
                ["metadata"] = new JsonObject { ["$ref"] = prefix + "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta" },
                ["items"] = new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["$ref"] = prefix + definition.SchemaName } },
            },
            ["x-kubernetes-group-version-kind"] = new JsonArray(GroupVersionKind(definition, definition.ListKind)),
        };
        schemas[definition.SchemaName + "List"] = list;
    }

    private void AddReferenced(JsonObject schemas, IEnumerable<ResourceDefinition> definitions, string prefix, bool v2)
    {
        var waiting = new Queue<SchemaNode>(definitions.Select(d => d.Schema));
        waiting.Enqueue(catalog.Schemas.Find("ListMeta"));
        waiting.Enqueue(catalog.Schemas.Find("DeleteOptions"));
        waiting.Enqueue(catalog.Schemas.Find("Status"));
        waiting.Enqueue(catalog.Schemas.Find("Scale"));
        var seen = new HashSet<SchemaNode>();
        while (waiting.TryDequeue(out var node))
        {
            if (!seen.Add(node))
            {
                continue;
            }

            if (node.TypeName is { } name && !schemas.ContainsKey(name))
            {
                var type = catalog.Schemas.Types[name];
                var json = SchemaJson.Write(type, prefix, v2, asDefinition: true);
                schemas[name] = json;
                waiting.Enqueue(type);
            }

            foreach (var child in node.Properties.Values.Concat(new[] { node.Items, node.AdditionalProperties }.OfType<SchemaNode>()))
            {
                waiting.Enqueue(child);
            }
        }
    }

    private static void AddPaths(JsonObject paths, ResourceDefinition definition, bool v2)
    {
        var root = definition.Group.Length == 0 ? $"/api/{definition.Version}" : $"/apis/{definition.Group}/{definition.Version}";
        var collection = definition.Namespaced ? $"{root}/namespaces/{{namespace}}/{definition.Plural}" : $"{root}/{definition.Plural}";
        var create = new JsonObject { ["post"] = Operation(definition, "post", v2) };
        if (definition.IsVirtual)
        {
            paths[collection] = create;
            return;
        }

        create["get"] = Operation(definition, "list", v2);
        create["delete"] = Operation(definition, "deletecollection", v2);
        paths[collection] = create;
        if (definition.Namespaced)
        {
            paths[$"{root}/{definition.Plural}"] = new JsonObject { ["get"] = Operation(definition, "list", v2) };
        }

        var item = new JsonObject();
        foreach (var (method, action) in new[] { ("get", "get"), ("put", "put"), ("patch", "patch"), ("delete", "delete") })
        {
            item[method] = Operation(definition, action, v2);
        }

        paths[$"{collection}/{{name}}"] = item;
        if (definition.HasStatus)
        {
            paths[$"{collection}/{{name}}/status"] = new JsonObject { ["get"] = Operation(definition, "get", v2), ["put"] = Operation(definition, "put", v2), ["patch"] = Operation(definition, "patch", v2) };
        }
    }

    private static JsonObject Operation(ResourceDefinition definition, string action, bool v2)
    {
        var parameters = new JsonArray();
        if (action is "post" or "put" or "patch")
        {
            foreach (var name in new[] { "dryRun", "fieldManager", "fieldValidation" })
            {
                parameters.Add(Parameter(name, v2));
            }
        }

        var content = v2 || action is not ("post" or "put" or "patch") ? null : Body(definition, action);
        var operation = new JsonObject
        {
            ["operationId"] = $"{action}{definition.Group.Replace('.', '-')}{definition.Version}{definition.Kind}",
            ["parameters"] = parameters,
            ["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK" } },
            ["x-kubernetes-action"] = action,
            ["x-kubernetes-group-version-kind"] = GroupVersionKind(definition, definition.Kind),
        };
        if (content is not null)
        {
            operation["requestBody"] = content;
        }
        else if (action == "patch")
        {
            operation["consumes"] = JsonAccess.StringArray(PatchTypes(definition));
        }

        return operation;
    }

    private static JsonObject Body(ResourceDefinition definition, string action)
    {
        var schema = new JsonObject { ["$ref"] = V3Prefix + definition.SchemaName };
        var content = new JsonObject();
        foreach (var type in action == "patch" ? PatchTypes(definition) : ["application/json"])
        {
            content[type] = new JsonObject { ["schema"] = action == "patch" ? new JsonObject { ["type"] = "object" } : schema.DeepClone() };
        }

        return new JsonObject { ["content"] = content };
    }

    private static string[] PatchTypes(ResourceDefinition definition) => definition.IsCustom
        ? ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
        : ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

    private static JsonObject Parameter(string name, bool v2)
    {
        var parameter = new JsonObject { ["name"] = name, ["in"] = "query", ["description"] = $"{name} of the request" };
        if (v2)
        {
            parameter["type"] = "string";
            parameter["uniqueItems"] = true;
        }
        else
        {
            parameter["schema"] = new JsonObject { ["type"] = "string", ["uniqueItems"] = true };
        }

        return parameter;
    }

    private static JsonObject GroupVersionKind(ResourceDefinition definition, string kind) =>
        new() { ["group"] = definition.Group, ["kind"] = kind, ["version"] = definition.Version };
}

using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Resources;

/// <summary>Makes resource definitions out of a CustomResourceDefinition, one per served version.</summary>
internal static class CustomResources
{
    public static IEnumerable<ResourceDefinition> Create(JsonObject crd, SchemaFile schemas)
    {
        var group = crd.StringAt("spec", "group") ?? string.Empty;
        var names = crd.ObjectAt("spec", "names") ?? [];
        var kind = names.StringAt("kind") ?? string.Empty;
        var versions = crd.ObjectsAt("spec", "versions").ToArray();
        var storage = versions.FirstOrDefault(v => v.BoolAt("storage") == true)?.StringAt("name") ?? string.Empty;
        foreach (var version in versions.Where(v => v.BoolAt("served") == true))
        {
            var name = version.StringAt("name") ?? string.Empty;
            var reversed = string.Join('.', group.Split('.').Reverse());
            yield return new ResourceDefinition
            {
                Group = group,
                Version = name,
                Plural = names.StringAt("plural") ?? string.Empty,
                Singular = names.StringAt("singular") ?? kind.ToLowerInvariant(),
                Kind = kind,
                ListKind = names.StringAt("listKind") ?? kind + "List",
                ShortNames = names.StringsAt("shortNames"),
                Categories = names.StringsAt("categories"),
                Namespaced = crd.StringAt("spec", "scope") == "Namespaced",
                Schema = Schema(version.ObjectAt("schema", "openAPIV3Schema") ?? [], schemas),
                SchemaName = $"{reversed}.{name}.{kind}",
                IsCustom = true,
                HasStatus = version.At("subresources", "status") is not null,
                HasGeneration = true,
                Scale = version.ObjectAt("subresources", "scale") is { } scale
                    ? new ScalePaths(scale.StringAt("specReplicasPath") ?? string.Empty, scale.StringAt("statusReplicasPath") ?? string.Empty, scale.StringAt("labelSelectorPath"))
                    : null,
                Columns = [.. Columns(version)],
                StoredApiVersion = $"{group}/{storage}",
                DeprecationWarning = version.BoolAt("deprecated") == true
                    ? version.StringAt("deprecationWarning") ?? $"{group}/{name} {kind} is deprecated"
                    : null,
            };
        }
    }

    private static SchemaNode Schema(JsonObject json, SchemaFile schemas)
    {
        var schema = SchemaJson.Read(json);
        schema.Type = "object";
        schema.Properties["apiVersion"] = new SchemaNode { Type = "string", Description = "APIVersion defines the versioned schema of this representation of an object." };
        schema.Properties["kind"] = new SchemaNode { Type = "string", Description = "Kind is a string value representing the REST resource this object represents." };
        schema.Properties["metadata"] = schemas.Find("ObjectMeta");
        return schema;
    }

    private static IEnumerable<TableColumn> Columns(JsonObject version)
    {
        yield return new TableColumn("Name", "string", "Name of the object.", 0, ".metadata.name", Format: "name");
        var declared = version.ObjectsAt("additionalPrinterColumns").ToArray();
        foreach (var column in declared)
        {
            yield return new TableColumn(
                column.StringAt("name") ?? string.Empty,
                column.StringAt("type") ?? "string",
                column.StringAt("description") ?? $"Custom resource definition column (in JSONPath format): {column.StringAt("jsonPath")}",
                (int)(column.LongAt("priority") ?? 0),
                column.StringAt("jsonPath"),
                Format: column.StringAt("format") ?? string.Empty);
        }

        if (declared.Length == 0)
        {
            yield return new TableColumn("Age", "date", "When the object was created.", 0, ".metadata.creationTimestamp");
        }
    }
}

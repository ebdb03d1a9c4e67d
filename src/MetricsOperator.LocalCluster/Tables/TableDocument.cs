using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Http;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;

namespace MetricsOperator.LocalCluster.Tables;

/// <summary>Makes the meta.k8s.io/v1 Table that <c>kubectl get</c> prints.</summary>
internal static class TableDocument
{
    /// <param name="definition">The resource, which has the columns.</param>
    /// <param name="objects">The rows.</param>
    /// <param name="resourceVersion">Version of the table.</param>
    /// <param name="include">What each row carries: None, Metadata or Object.</param>
    /// <param name="withColumns">Whether the column definitions are part of it; later events of a watch leave them out.</param>
    /// <param name="now">Ages count from here.</param>
    public static JsonObject Make(ResourceDefinition definition, IReadOnlyList<JsonObject> objects, string resourceVersion, string include, bool withColumns, DateTimeOffset now)
    {
        var columns = new JsonArray();
        if (withColumns)
        {
            foreach (var column in definition.Columns)
            {
                columns.Add(new JsonObject
                {
                    ["name"] = column.Name,
                    ["type"] = column.Type,
                    ["format"] = column.Format,
                    ["description"] = column.Description,
                    ["priority"] = column.Priority,
                });
            }
        }

        var rows = new JsonArray();
        foreach (var obj in objects)
        {
            var cells = new JsonArray();
            foreach (var column in definition.Columns)
            {
                cells.Add(column.Cell is not null ? column.Cell(obj, now) : Custom(obj, column, now));
            }

            var row = new JsonObject { ["cells"] = cells };
            switch (include)
            {
                case "Object":
                    row["object"] = obj.DeepClone();
                    break;
                case "Metadata":
                    row["object"] = ResponseWriter.PartialMetadata(obj);
                    break;
            }

            rows.Add(row);
        }

        return new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = "meta.k8s.io/v1",
            ["metadata"] = new JsonObject { ["resourceVersion"] = resourceVersion },
            ["columnDefinitions"] = columns,
            ["rows"] = rows,
        };
    }

    private static JsonNode? Custom(JsonObject obj, TableColumn column, DateTimeOffset now)
    {
        var values = JsonPath.Select(obj, column.JsonPath!).ToArray();
        if (values.Length == 0 || values[0] is null)
        {
            return column.Type == "date" ? "<unknown>" : null;
        }

        return column.Type switch
        {
            "date" => HumanDuration.Since(values[0], now),
            "integer" => values[0].AsLong() is { } number ? JsonValue.Create(number) : null,
            "number" => values[0].AsDouble() is { } real ? JsonValue.Create(real) : null,
            "boolean" => values[0].AsBool() is { } flag ? JsonValue.Create(flag) : null,
            _ => string.Join(",", values.Select(v => v.AsString() ?? JsonDocuments.ToText(v))),
        };
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.FieldOwnership;

/// <summary>One entry of metadata.managedFields.</summary>
internal sealed class ManagedEntry(string manager, string operation, string apiVersion, string subresource)
{
    public string Manager => manager;

    public string Operation => operation;

    public FieldSet Fields { get; set; } = new();

    public DateTimeOffset Time { get; set; }

    public bool Is(FieldWriter writer, string how) =>
        manager == writer.Manager && operation == how && subresource == writer.Subresource && apiVersion == writer.ApiVersion;

    /// <summary>As conflict messages name it.</summary>
    public string Describe()
    {
        var text = $"\"{manager}\"";
        if (operation == "Update")
        {
            text += subresource.Length > 0 ? $" with subresource \"{subresource}\" using {apiVersion}" : $" using {apiVersion}";
        }

        return text;
    }

    public static ManagedEntry FromJson(JsonObject json) => new(
        json.StringAt("manager") ?? string.Empty,
        json.StringAt("operation") ?? string.Empty,
        json.StringAt("apiVersion") ?? string.Empty,
        json.StringAt("subresource") ?? string.Empty)
    {
        Fields = json.ObjectAt("fieldsV1") is { } fields ? FieldSet.FromJson(fields) : new FieldSet(),
        Time = DateTimeOffset.TryParse(json.StringAt("time"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : default,
    };

    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["apiVersion"] = apiVersion,
            ["fieldsType"] = "FieldsV1",
            ["fieldsV1"] = Fields.ToJson(),
            ["manager"] = manager,
            ["operation"] = operation,
        };
        if (subresource.Length > 0)
        {
            json["subresource"] = subresource;
        }

        json["time"] = JsonAccess.Timestamp(Time);
        return json;
    }
}

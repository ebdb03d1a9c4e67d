using System.Text.Json.Nodes;
using MetricsOperator.Api.Schema;
using MetricsOperator.Api.V1alpha1;

namespace MetricsOperator.Api.Tests.Schema;

public sealed class CrdBuilderTests
{
    private static readonly JsonObject Stack = CrdBuilder.Build(typeof(MetricsStack));

    [Fact]
    public void Every_schema_has_a_type_and_every_field_a_description()
    {
        var version = Stack["spec"]!["versions"]![0]!;
        Walk(version["schema"]!["openAPIV3Schema"]!.AsObject(), "", isField: false);
    }

    [Fact]
    public void Stack_has_short_name_columns_and_subresources()
    {
        var spec = Stack["spec"]!;
        Assert.Equal("metricsstacks.metricsoperator.dev", (string?)Stack["metadata"]!["name"]);
        Assert.Equal("mstack", (string?)spec["names"]!["shortNames"]![0]);
        var version = spec["versions"]![0]!;
        Assert.NotNull(version["subresources"]!["status"]);
        Assert.Equal(".spec.replicas", (string?)version["subresources"]!["scale"]!["specReplicasPath"]);
        Assert.Contains(version["additionalPrinterColumns"]!.AsArray(), c => (string?)c!["name"] == "Ready");
    }

    [Fact]
    public void Jobs_are_a_map_by_name_and_actions_are_an_enumeration()
    {
        var spec = Stack["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!;
        var jobs = spec["properties"]!["scrape"]!["properties"]!["jobs"]!;
        Assert.Equal("map", (string?)jobs["x-kubernetes-list-type"]);
        Assert.Equal("name", (string?)jobs["x-kubernetes-list-map-keys"]![0]);
        Assert.Equal(["name"], jobs["items"]!["required"]!.AsArray().Select(n => (string?)n));
        var action = jobs["items"]!["properties"]!["metricRelabelings"]!["items"]!["properties"]!["action"]!;
        Assert.Contains("labeldrop", action["enum"]!.AsArray().Select(n => (string?)n));
        Assert.Equal(["memory"], spec["required"]!.AsArray().Select(n => (string?)n));
        Assert.Equal(1, (int?)spec["properties"]!["replicas"]!["default"]);
    }

    [Fact]
    public void Pod_template_is_open()
    {
        var template = Stack["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!["podTemplate"]!;
        Assert.True((bool?)template["properties"]!["spec"]!["x-kubernetes-preserve-unknown-fields"]);
    }

    private static void Walk(JsonObject schema, string path, bool isField)
    {
        Assert.True(schema["type"] is not null, $"{path} has no type");
        Assert.True(!isField || !string.IsNullOrEmpty((string?)schema["description"]), $"{path} has no description");
        foreach (var (name, value) in schema["properties"]?.AsObject() ?? [])
        {
            if (path.Length > 0 || name != "metadata")
            {
                Walk(value!.AsObject(), $"{path}.{name}", isField: true);
            }
        }

        if (schema["items"] is JsonObject items)
        {
            Walk(items, path + "[]", isField: false);
        }
    }
}

using System.Text.Json.Nodes;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Scraping;
using MetricsOperator.Planning.Validation;
using MetricsOperator.TestKit;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MetricsOperator.Planning.Tests.Validation;

public sealed class ExamplesTests
{
    [Theory]
    [InlineData("quickstart.yaml")]
    [InlineData("crime-scene.yaml")]
    public void Examples_are_valid_and_can_be_tightened(string file)
    {
        var documents = Read(Path.Combine(RepositoryRoot.Path, "deploy", "examples", file));
        var lists = documents.Where(d => (string?)d["kind"] == "MetricsKeepList").Select(KeepList).ToList();
        var spec = ApiJson.ReadSpec(documents.Single(d => (string?)d["kind"] == "MetricsStack")["spec"]!.ToJsonString());
        var stack = new MetricsStack { Metadata = new V1ObjectMeta { Name = "example", Namespace = "monitoring" }, Spec = spec };
        Assert.Empty(StackVerdict.Errors(stack, lists));
        Assert.NotEmpty(EffectiveScrape.Of(spec, ["ApplyKeepLists"], lists).KeepLists);
    }

    private static MetricsKeepList KeepList(JsonObject document) => new()
    {
        Metadata = new V1ObjectMeta { Name = (string)document["metadata"]!["name"]! },
        Spec = new MetricsKeepListSpec { Metrics = [.. document["spec"]!["metrics"]!.AsArray().Select(m => (string)m!)] },
    };

    private static List<JsonObject> Read(string path)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(File.ReadAllText(path)));
        return stream.Documents.Select(d => ToJson(d.RootNode)!.AsObject()).ToList();
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value!, ToJson(c.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } flag => JsonValue.Create(flag.Value == "true"),
        YamlScalarNode { Style: ScalarStyle.Plain } scalar when long.TryParse(scalar.Value, out var number) => JsonValue.Create(number),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => null,
    };
}

using MetricsOperator.Cli.Local;
using MetricsOperator.Cli.Up;

namespace MetricsOperator.Cli.Tests.Up;

public sealed class ManifestsTests
{
    [Fact]
    public void Documents_are_read_with_the_types_that_yaml_gives_them()
    {
        var objects = Manifests.Read("# first\n---\nkind: A\napiVersion: v1\nspec: {n: 3, f: 1.5, b: true, s: \"3\", q: 200Mi, none: , neg: -2, v: 1.2.3}\n---\n---\nkind: B\napiVersion: v1\n", "x.yaml");
        Assert.Equal(["A", "B"], objects.Select(o => o["kind"]!.GetValue<string>()));
        Assert.Equal("""{"n":3,"f":1.5,"b":true,"s":"3","q":"200Mi","none":null,"neg":-2,"v":"1.2.3"}""", objects[0]["spec"]!.ToJsonString());
    }

    [Theory]
    [InlineData("kind: A\n", "x.yaml:1:1: not a Kubernetes object")]
    [InlineData("- 1\n", "x.yaml:1:1: not a Kubernetes object")]
    [InlineData("kind: A\napiVersion: [\n", "x.yaml:")]
    public void What_is_no_manifest_is_refused_with_its_place(string text, string message)
    {
        var error = Assert.Throws<LocalWorldException>(() => Manifests.Read(text, "x.yaml"));
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Embedded_examples_are_manifests()
    {
        var quickstart = Manifests.Read(EmbeddedManifests.Read(EmbeddedManifests.Quickstart), EmbeddedManifests.Quickstart);
        Assert.Contains(quickstart, o => o["kind"]!.GetValue<string>() == "MetricsStack" && o["metadata"]!["name"]!.GetValue<string>() == "quickstart");
        Assert.NotEmpty(Manifests.Read(EmbeddedManifests.Read(EmbeddedManifests.NodeExporter), EmbeddedManifests.NodeExporter));
    }
}

using System.Text.Json.Nodes;
using MetricsOperator.Api.Schema;
using YamlDotNet.RepresentationModel;

namespace MetricsOperator.Api.Tests.Schema;

public sealed class YamlTextTests
{
    [Fact]
    public void Strings_that_look_like_something_else_are_quoted_and_read_back_as_they_were()
    {
        string[] values =
        [
            "plain", "two words", "", " leading", "trailing ", "yes", "NO", "null", "~", "1", "1.5", "1e3", "0x1F", "12:30", "2026-01-01", "15s", "1Gi", "80%", "a: b", "a:b",
            "ends:", "a #b", "#", "- x", "-", "*a", "&a", "!t", "%", "@", "`", "{a}", "[a]", "${REPLICA}", "$(POD_IP):9090", "\"", "'", "\\", "tab\there", "line\nbreak", "a\n", "a\nb\n", "\na\n",
            "a\n\n", " a\nb\n", "a \nb\n", "ünï", "\u0001", "(.*)", "http://x/y?z=1", "|", ">", "?", "? x", "=", "<<", "y", "n", "0", "1_000", "1d", "0b1", "0o7", "1Ei", ".5", ".inf",
        ];
        foreach (var value in values)
        {
            var text = YamlText.Write(new JsonObject { ["key"] = value, ["list"] = new JsonArray(value, new JsonObject { ["inner"] = value }) });
            var root = (YamlMappingNode)Load(text);
            Assert.Equal(value, Scalar(root, "key", text));
            var list = (YamlSequenceNode)root.Children[new YamlScalarNode("list")];
            Assert.Equal(value, ((YamlScalarNode)list.Children[0]).Value);
            Assert.Equal(value, Scalar((YamlMappingNode)list.Children[1], "inner", text));
        }
    }

    [Fact]
    public void Plain_style_is_used_only_where_yaml_1_1_reads_a_string()
    {
        foreach (var value in new[] { "yes", "off", "1", "1.5", "1e3", "0x1F", "null", "~", "2026-01-01", "12:30:45", ".inf", "1_000" })
        {
            Assert.Equal($"\"{value}\"\n", YamlText.Write(JsonValue.Create(value)));
        }
    }

    [Fact]
    public void Nested_lists_and_empty_collections_keep_their_shape()
    {
        var text = YamlText.Write(JsonNode.Parse("""{"a":[],"b":{},"c":[[1,2],{"d":null,"e":[{"f":true}]}]}"""));
        Assert.Equal("a: []\nb: {}\nc:\n- \n  - 1\n  - 2\n- d: null\n  e:\n  - f: true\n", text);
        Load(text);
    }

    private static YamlNode Load(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream.Documents[0].RootNode;
    }

    private static string? Scalar(YamlMappingNode map, string key, string text)
    {
        var node = (YamlScalarNode)map.Children[new YamlScalarNode(key)];
        Assert.True(node.Value is not null, text);
        return node.Value;
    }
}

using System.Text.Json.Nodes;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Planning.Tests.Stacks;

public sealed class PodTemplateMergeTests
{
    [Fact]
    public void Maps_merge_named_lists_merge_by_name_the_rest_replaces()
    {
        Check("""{"a":1,"b":{"c":2}}""", """{"b":{"d":3}}""", """{"a":1,"b":{"c":2,"d":3}}""");
        Check("""{"l":[{"name":"x","v":1},{"name":"y"}]}""", """{"l":[{"name":"x","w":2},{"name":"z"}]}""", """{"l":[{"name":"x","v":1,"w":2},{"name":"y"},{"name":"z"}]}""");
        Check("""{"l":[1,2]}""", """{"l":[3]}""", """{"l":[3]}""");
        Check("""{"l":[{"key":"a"}]}""", """{"l":[{"key":"b"}]}""", """{"l":[{"key":"b"}]}""");
        Check("""{"a":1,"b":2}""", """{"a":null}""", """{"b":2}""");
    }

    private static void Check(string original, string patch, string want) =>
        Assert.Equal(want, PodTemplateMerge.Merge(JsonNode.Parse(original), JsonNode.Parse(patch))!.ToJsonString());
}

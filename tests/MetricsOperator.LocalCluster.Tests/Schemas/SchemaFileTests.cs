using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Tests.Schemas;

public sealed class SchemaFileTests
{
    private static readonly SchemaFile Schemas = SchemaFile.LoadEmbedded();

    [Fact]
    public void Merge_keys_of_pods_are_those_of_kubernetes()
    {
        var pod = Schemas.Find("PodSpec");
        var container = Schemas.Find("Container");

        Assert.Equal(["name"], pod.Properties["containers"].ListMapKeys);
        Assert.Equal("name", pod.Properties["containers"].PatchMergeKey);
        Assert.Equal("merge,retainKeys", pod.Properties["volumes"].PatchStrategy);
        Assert.Equal(["containerPort", "protocol"], container.Properties["ports"].ListMapKeys);
        Assert.Equal("containerPort", container.Properties["ports"].PatchMergeKey);
        Assert.Equal("mountPath", container.Properties["volumeMounts"].PatchMergeKey);
        Assert.Equal("atomic", pod.Properties["tolerations"].ListType);
        Assert.Equal("set", Schemas.Find("ObjectMeta").Properties["finalizers"].ListType);
    }

    [Fact]
    public void Defaults_reach_into_defaulted_and_nested_values()
    {
        var deployment = new JsonObject { ["spec"] = new JsonObject { ["template"] = new JsonObject { ["spec"] = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["readinessProbe"] = new JsonObject() }) } } } };

        SchemaDefaults.Apply(deployment, Schemas.Find("Deployment"));

        Assert.Equal("RollingUpdate", (string?)deployment["spec"]!["strategy"]!["type"]);
        Assert.Equal(3, (int?)deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["readinessProbe"]!["failureThreshold"]);
    }
}

using System.Text;
using MetricsOperator.Api.V1alpha1;

namespace MetricsOperator.Api.Tests.V1alpha1;

public sealed class ApiJsonTests
{
    [Fact]
    public void Absent_members_have_their_defaults()
    {
        var stack = ApiKinds.Stacks.Deserialize(Encoding.UTF8.GetBytes("""
            {"apiVersion":"metricsoperator.dev/v1alpha1","kind":"MetricsStack","metadata":{"name":"a","namespace":"b","unknown":1},
             "spec":{"memory":{"budget":"1Gi"},"scrape":{"jobs":[{"name":"j","kubernetes":{"role":"pod"}}]},"future":{"x":1}}}
            """));
        Assert.Equal("30s", stack.Spec.Scrape.Interval);
        Assert.Equal(1, stack.Spec.Replicas);
        Assert.Equal("15d", stack.Spec.Storage.Retention.Time);
        Assert.Equal("/metrics", stack.Spec.Scrape.Jobs[0].Path);
        Assert.Equal(100, stack.Spec.Scrape.Jobs[0].Priority);
        Assert.Equal("Auto", stack.Spec.Overload.Mode);
        Assert.Null(stack.Spec.Ingress);
        Assert.Null(stack.Status);
    }

    [Fact]
    public void Spec_survives_a_round_trip()
    {
        var spec = ApiJson.ReadSpec("""{"memory":{"budget":"1Gi"},"podTemplate":{"spec":{"nodeSelector":{"disk":"ssd"}}},"scrape":{"interval":"7s"}}""");
        var again = ApiJson.ReadSpec(ApiJson.Write(spec));
        Assert.Equal(ApiJson.Write(spec), ApiJson.Write(again));
        Assert.Equal("7s", again.Scrape.Interval);
        Assert.Equal("ssd", (string?)again.PodTemplate!.Spec!["nodeSelector"]!["disk"]);
    }
}

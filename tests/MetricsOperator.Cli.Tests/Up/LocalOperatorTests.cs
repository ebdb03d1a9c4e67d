using System.Text.Json.Nodes;
using MetricsOperator.Cli.Up;

namespace MetricsOperator.Cli.Tests.Up;

public sealed class LocalOperatorTests
{
    [Fact]
    public void Operator_binds_to_its_pod_address_and_keeps_its_other_arguments()
    {
        var deployment = JsonNode.Parse("""
            {"kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"operator","args":["--leader-elect","--server-listen=any","--metrics-bind-address=0.0.0.0:8080"]}]}}}}
            """)!.AsObject();
        var adapted = LocalOperator.Adapt([deployment]).Single();
        Assert.Equal(
            ["--leader-elect", "--server-listen=pod-ip", "--metrics-bind-address=$(POD_IP):8080", "--health-probe-bind-address=$(POD_IP):8081"],
            adapted["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]!.AsArray().Select(a => a!.GetValue<string>()));
    }

    [Fact]
    public void Other_manifests_pass_unchanged()
    {
        var role = JsonNode.Parse("""{"kind":"ClusterRole","rules":[]}""")!.AsObject();
        Assert.Equal("""{"kind":"ClusterRole","rules":[]}""", LocalOperator.Adapt([role]).Single().ToJsonString());
    }
}

using System.Text.Json.Nodes;
using MetricsOperator.Cli.Up;

namespace MetricsOperator.Cli.Tests.Up;

public sealed class StackViewTests
{
    [Fact]
    public void Stack_without_status_is_pending()
    {
        var view = StackView.Of(JsonNode.Parse("""{"metadata":{"namespace":"monitoring","name":"main"},"spec":{}}""")!);
        Assert.False(view.IsReady);
        Assert.Equal("monitoring/main  Ready=Unknown (Pending)  level=0  interval=-  last incident=-", view.Line());
    }

    [Fact]
    public void Tightened_stack_says_its_level_interval_and_last_incident()
    {
        var view = StackView.Of(JsonNode.Parse("""
            {"metadata":{"namespace":"monitoring","name":"main"},"spec":{"ingress":{"path":"/main"}},
             "status":{"conditions":[{"type":"Ready","status":"True","reason":"AllReplicasReady","message":"1/1"}],
              "effective":{"interval":"20s"},
              "overload":{"level":2,"lastIncident":{"class":"OutOfMemory","reason":"OOMKilled","exitCode":137}}}}
            """)!);
        Assert.True(view.IsReady);
        Assert.Equal("/main", view.IngressPath);
        Assert.Equal("monitoring/main  Ready=True (AllReplicasReady)  level=2  interval=20s  last incident=OutOfMemory OOMKilled 137", view.Line());
    }
}

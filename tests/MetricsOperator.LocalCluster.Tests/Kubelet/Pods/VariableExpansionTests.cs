using MetricsOperator.LocalCluster.Kubelet.Pods;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Pods;

public sealed class VariableExpansionTests
{
    [Theory]
    [InlineData("--web.listen-address=$(POD_IP):9090", "--web.listen-address=127.64.0.2:9090")]
    [InlineData("$(POD_IP)$(POD_IP)", "127.64.0.2127.64.0.2")]
    [InlineData("$(UNKNOWN)", "$(UNKNOWN)")]
    [InlineData("$$(POD_IP)", "$(POD_IP)")]
    [InlineData("a$b $ $(", "a$b $ $(")]
    [InlineData("cost 5$", "cost 5$")]
    public void Expand_replaces_known_names_only(string text, string expected) =>
        Assert.Equal(expected, VariableExpansion.Expand(text, new Dictionary<string, string> { ["POD_IP"] = "127.64.0.2" }));
}

using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Charts;

/// <summary>The chart, looked at with the real helm.</summary>
public sealed class ChartTests
{
    private static readonly string Chart = Path.Combine(RepositoryRoot.Path, "charts", "metrics-operator");

    [Fact]
    public async Task Helm_finds_nothing_to_complain_about()
    {
        var output = (await HelmAsync("lint", Chart, "--strict")).Succeeded();
        Assert.Contains("1 chart(s) linted, 0 chart(s) failed", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chart_renders_the_operator_with_its_rights_and_definitions()
    {
        var manifests = (await HelmAsync("template", "release", Chart, "--namespace", "metrics", "--include-crds")).Succeeded();
        foreach (var kind in new[] { "kind: CustomResourceDefinition", "kind: ClusterRole", "kind: ClusterRoleBinding", "kind: ServiceAccount", "kind: Deployment" })
        {
            Assert.Contains(kind, manifests, StringComparison.Ordinal);
        }

        Assert.Contains("--leader-elect", manifests, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Values_are_checked_by_their_schema()
    {
        var result = await HelmAsync("template", "release", Chart, "--set", "replicas=many");
        Assert.NotEqual(0, result.ExitCode);
    }

    private static Task<RunResult> HelmAsync(params string[] arguments) => RunResult.RunAsync(Peer.Require("helm", "helm"), arguments);
}

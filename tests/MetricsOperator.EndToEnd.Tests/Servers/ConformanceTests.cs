using System.Text.RegularExpressions;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>Prometheus' own promqltest scripts against the real server over HTTP.</summary>
public sealed partial class ConformanceTests
{
    /// <summary>Cases that pass; may only rise.</summary>
    private const int Passing = 838;

    [Fact]
    public async Task Server_passes_the_scripts_of_prometheus_3_5()
    {
        var folder = Path.Combine(Peer.RequireShared(), "conformance");
        var python = Peer.Require("python3", "python3");
        var result = await RunResult.RunAsync(
            python,
            [Path.Combine(folder, "promqltest.py"), Path.Combine(folder, "testdata-3.5"), "--server-cmd", Path.Combine(folder, "servers", "prometheus.sh") + " {port} {datadir}"],
            TimeSpan.FromMinutes(6),
            new Dictionary<string, string> { ["PROMETHEUS"] = Programs.Server, ["PYTHONDONTWRITEBYTECODE"] = "1" });
        TestContext.Current.TestOutputHelper!.WriteLine(result.Output);
        var passed = PassedCases().Match(result.Output);
        Assert.True(passed.Success, $"the runner printed no count:\n{result.Output}\n{result.Errors}");
        Assert.True(int.Parse(passed.Groups["count"].Value, System.Globalization.CultureInfo.InvariantCulture) >= Passing, result.Output);
    }

    [GeneratedRegex(@"(?<count>\d+) of \d+ run cases passed")]
    private static partial Regex PassedCases();
}

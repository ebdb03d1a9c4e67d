using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>Prometheus' own promqltest scripts against the real server over HTTP.</summary>
public sealed class ConformanceTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Server_passes_the_scripts_of_prometheus_3_5(int remoteWrite)
    {
        var results = await RunAsync("testdata-3.5", remoteWrite);
        Assert.InRange(results.Count, 838, int.MaxValue);
        Assert.Empty(results.Where(r => !r.Passed).Select(r => r.Case));
    }

    [Fact]
    public async Task Server_passes_the_scripts_of_the_main_branch_but_for_what_is_listed_as_newer()
    {
        var newer = (await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "testdata", "newer-than-3.5.txt")))
            .Where(l => !l.StartsWith('#'))
            .Select(l => l.Split(' ')[0])
            .ToList();
        var results = await RunAsync("testdata-head", remoteWrite: 2);
        Assert.InRange(results.Count, 1319, int.MaxValue);
        Assert.Equal(newer.Order(StringComparer.Ordinal), results.Where(r => !r.Passed).Select(r => r.Case).Order(StringComparer.Ordinal));
    }

    // The outcome of each case, named "file:line".
    private static async Task<IReadOnlyList<(string Case, bool Passed)>> RunAsync(string scripts, int remoteWrite)
    {
        var folder = Path.Combine(Peer.RequireShared(), "conformance");
        var python = Peer.Require("python3", "python3");
        using var directory = new TempDir();
        var report = directory["report.json"];
        var result = await RunResult.RunAsync(
            python,
            [
                Path.Combine(folder, "promqltest.py"), Path.Combine(folder, scripts), "--server-cmd", Path.Combine(folder, "servers", "prometheus.sh") + " {port} {datadir}",
                "--remote-write", remoteWrite.ToString(CultureInfo.InvariantCulture), "--json", report,
            ],
            TimeSpan.FromMinutes(10),
            new Dictionary<string, string> { ["PROMETHEUS"] = Programs.Server, ["PYTHONDONTWRITEBYTECODE"] = "1" });
        TestContext.Current.TestOutputHelper!.WriteLine(result.Output);
        Assert.True(File.Exists(report), $"the runner wrote no report:\n{result.Output}\n{result.Errors}");
        return [.. JsonNode.Parse(await File.ReadAllTextAsync(report))!["cases"]!.AsArray().Select(c =>
            ($"{Path.GetFileName(c!["file"]!.GetValue<string>())}:{c["line"]!.GetValue<int>()}", c["status"]!.GetValue<string>() == "passed"))];
    }
}

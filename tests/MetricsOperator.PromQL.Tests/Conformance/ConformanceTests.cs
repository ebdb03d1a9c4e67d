using System.Globalization;
using System.Text;
using MetricsOperator.TestKit;

namespace MetricsOperator.PromQL.Tests.Conformance;

/// <summary>Prometheus 3.5's own test scripts. What does not pass is listed in a golden file; the number that passes may only rise.</summary>
public sealed class ConformanceTests
{
    private static readonly Dictionary<string, int> ExpectedPassing = new(StringComparer.Ordinal)
    {
        ["aggregators.test"] = 156,
        ["collision.test"] = 2,
        ["duration_expression.test"] = 29,
        ["functions.test"] = 362,
        ["histograms.test"] = 116,
        ["limit.test"] = 37,
        ["literals.test"] = 20,
        ["range_queries.test"] = 8,
        ["selectors.test"] = 31,
        ["trig_functions.test"] = 19,
        ["type_and_unit.test"] = 58,
    };

    [Fact]
    public void Scripts_of_prometheus_give_the_expected_results()
    {
        var folder = Path.Combine(Peer.RequireShared(), "conformance", "testdata-3.5");
        var report = new StringBuilder();
        var fewer = new List<string>();
        foreach (var path in Directory.EnumerateFiles(folder, "*.test").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(path);
            var results = ScriptRunner.Run(File.ReadAllText(path));
            var passed = results.Count(r => r.Problem is null);
            report.Append(CultureInfo.InvariantCulture, $"{name}: {passed} of {results.Count}\n");
            foreach (var failure in results.Where(r => r.Problem is not null))
            {
                report.Append(CultureInfo.InvariantCulture, $"  {failure.Line}: {failure.Query}\n    {failure.Problem}\n");
            }

            if (passed < ExpectedPassing.GetValueOrDefault(name))
            {
                fewer.Add($"{name}: {passed} pass, want at least {ExpectedPassing[name]}");
            }
        }

        Assert.True(fewer.Count == 0, string.Join('\n', fewer) + "\n" + report);
        Golden.Check("testdata/conformance-3.5.golden", report.ToString());
    }
}

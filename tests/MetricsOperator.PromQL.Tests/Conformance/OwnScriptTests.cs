using System.Globalization;
using MetricsOperator.TestKit;

namespace MetricsOperator.PromQL.Tests.Conformance;

/// <summary>Our own scripts, in the same language as Prometheus' test scripts.</summary>
public sealed class OwnScriptTests
{
    public static TheoryData<string> Scripts() => new(Directory
        .EnumerateFiles(Folder, "*.test")
        .Select(Path.GetFileName)
        .Order(StringComparer.Ordinal)!);

    private static string Folder => Path.Combine(RepositoryRoot.Path, "tests", "MetricsOperator.PromQL.Tests", "testdata", "scripts");

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Script_gives_the_expected_results(string name)
    {
        var failures = ScriptRunner.Run(File.ReadAllText(Path.Combine(Folder, name))).Where(r => r.Problem is not null).ToList();

        Assert.True(
            failures.Count == 0,
            string.Join('\n', failures.Select(f => string.Create(CultureInfo.InvariantCulture, $"{name}:{f.Line}: {f.Query}\n  {f.Problem}"))));
    }
}

using System.Xml.Linq;
using MetricsOperator.TestKit;

namespace MetricsOperator.Repository.Tests.Structure;

/// <summary>Guards the house: every project reference is drawn here, and nothing else is.</summary>
public sealed class ProjectGraphTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Timeseries"] = [],
        ["Tsdb"] = ["Timeseries"],
        ["PromQL"] = ["Timeseries"],
        ["Server"] = ["Tsdb", "PromQL", "Timeseries", "KubeClient"],
        ["KubeClient"] = [],
        ["Api"] = ["KubeClient"],
        ["Planning"] = ["Api", "KubeClient", "PromQL", "Timeseries"],
        ["Operator"] = ["Planning", "Api", "KubeClient"],
        ["LocalCluster"] = [],
        ["Cli"] = ["Planning", "Api", "KubeClient", "Tsdb", "LocalCluster"],
    };

    [Fact]
    public void Source_projects_reference_only_what_the_design_allows()
    {
        var found = ProjectsIn("src").ToDictionary(p => p.Name, p => p.References);
        Assert.Equal(Allowed.Keys.Order(), found.Keys.Order());
        foreach (var (project, references) in found)
        {
            var forbidden = references.Except(Allowed[project]).ToList();
            Assert.True(forbidden.Count == 0, $"{project} must not reference {string.Join(", ", forbidden)}; the allowed edges are in docs/ARCHITECTURE.md");
        }
    }

    [Fact]
    public void Unsafe_code_is_allowed_in_Tsdb_only()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Path, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            var allowsUnsafe = XDocument.Load(file).Descendants("AllowUnsafeBlocks").Any(e => e.Value == "true");
            Assert.Equal(Path.GetFileName(file) == "MetricsOperator.Tsdb.csproj", allowsUnsafe);
        }
    }

    [Fact]
    public void Every_source_project_has_a_test_project_and_all_are_in_the_solution()
    {
        var solution = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "MetricsOperator.sln"));
        foreach (var (name, _) in ProjectsIn("src"))
        {
            Assert.True(File.Exists(Path.Combine(RepositoryRoot.Path, "tests", $"MetricsOperator.{name}.Tests", $"MetricsOperator.{name}.Tests.csproj")), $"tests for {name} are missing");
        }

        foreach (var folder in new[] { "src", "tests" })
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Path, folder), "*.csproj", SearchOption.AllDirectories))
            {
                Assert.True(solution.Contains(Path.GetFileName(file), StringComparison.Ordinal), $"{Path.GetFileName(file)} is not in MetricsOperator.sln");
            }
        }
    }

    private static IEnumerable<(string Name, string[] References)> ProjectsIn(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Path, folder), "*.csproj", SearchOption.AllDirectories))
        {
            var references = XDocument.Load(file).Descendants("ProjectReference")
                .Select(e => ShortName(Path.GetFileNameWithoutExtension(e.Attribute("Include")!.Value.Replace('\\', '/'))))
                .ToArray();
            yield return (ShortName(Path.GetFileNameWithoutExtension(file)), references);
        }
    }

    private static string ShortName(string project) => project.Replace("MetricsOperator.", string.Empty, StringComparison.Ordinal);
}

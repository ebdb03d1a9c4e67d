using System.Text.RegularExpressions;
using MetricsOperator.TestKit;

namespace MetricsOperator.Repository.Tests.Structure;

/// <summary>Rules about the source text that no analyzer in use knows.</summary>
public sealed partial class SourceRulesTests
{
    [Fact]
    public void Namespaces_follow_folders()
    {
        foreach (var file in SourceFiles())
        {
            var match = NamespaceLine().Match(File.ReadAllText(file));
            if (!match.Success)
            {
                Assert.True(Path.GetFileName(file) == "Program.cs", $"{file} has no namespace");
                continue;
            }

            var folder = Path.GetRelativePath(Path.Combine(RepositoryRoot.Path, "src"), Path.GetDirectoryName(file)!).Replace('/', '.');
            Assert.True(folder == match.Groups[1].Value, $"{file}: namespace {match.Groups[1].Value}, want {folder}");
        }
    }

    [Fact]
    public void No_empty_catch_no_region_no_todo_in_source()
    {
        foreach (var file in SourceFiles())
        {
            var text = File.ReadAllText(file);
            Assert.False(EmptyCatch().IsMatch(text), $"{file} swallows an exception");
            Assert.False(text.Contains("#region", StringComparison.Ordinal), $"{file} has a #region");
            Assert.False(text.Contains("TODO", StringComparison.Ordinal), $"{file} has a TODO; write an issue or a decision instead");
        }
    }

    /// <summary>Printed, never failing: the heavy tail is to be seen while it is small.</summary>
    [Fact]
    public void Long_files_are_listed()
    {
        var output = TestContext.Current.TestOutputHelper!;
        foreach (var (file, lines) in SourceFiles().Select(f => (f, File.ReadLines(f).Count())).Where(f => f.Item2 > 400).OrderByDescending(f => f.Item2))
        {
            output.WriteLine($"{lines} {Path.GetRelativePath(RepositoryRoot.Path, file)}");
        }

        Assert.NotEmpty(SourceFiles());
    }

    private static IEnumerable<string> SourceFiles() =>
        Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Path, "src"), "*.cs", SearchOption.AllDirectories);

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"catch(?:\s*\([^)]*\))?\s*\{\s*\}")]
    private static partial Regex EmptyCatch();
}

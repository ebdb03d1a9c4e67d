using System.Text.RegularExpressions;
using MetricsOperator.TestKit;

namespace MetricsOperator.Repository.Tests.Docs;

/// <summary>Prose that names code rots unless a test reads it.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string[] Folders = ["src", "tests", "docs", "deploy", "charts", "crds", ".ci", ".github"];

    /// <summary>PascalCase words in back-ticks that are names of the field or of the API, not of our types.</summary>
    private static readonly HashSet<string> NotTypes =
    [
        "True", "False", "Unknown", "Ready", "Reconciling", "Stalled", "ConfigValid", "ConfigApplied", "StorageReady", "Overloaded",
        "RaiseInterval", "ApplyKeepLists", "TimeProvider", "Deployment", "ConfigMap", "Secret", "Service", "Ingress",
    ];

    [Fact]
    public void Paths_named_in_the_documentation_exist()
    {
        foreach (var (file, text) in Pages())
        {
            foreach (var path in Ticked().Matches(text).Select(m => m.Groups["code"].Value).Where(IsPath))
            {
                var target = Path.Combine(RepositoryRoot.Path, path.TrimEnd('/'));
                Assert.True(File.Exists(target) || Directory.Exists(target), $"{file} names {path}, which does not exist");
            }

            foreach (var link in Link().Matches(text).Select(m => m.Groups["target"].Value).Where(l => !l.Contains("://", StringComparison.Ordinal) && !l.StartsWith('#')))
            {
                var target = Path.Combine(RepositoryRoot.Path, Path.GetDirectoryName(file)!, link.Split('#')[0]);
                Assert.True(File.Exists(target) || Directory.Exists(target), $"{file} links to {link}, which does not exist");
            }
        }
    }

    [Fact]
    public void Types_named_in_the_documentation_exist()
    {
        var declared = new HashSet<string>();
        foreach (var source in Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Path, "src"), "*.cs", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Path, "tests"), "*.cs", SearchOption.AllDirectories)))
        {
            declared.UnionWith(Declaration().Matches(File.ReadAllText(source)).Select(m => m.Groups["name"].Value));
        }

        declared.UnionWith(Directory.EnumerateDirectories(Path.Combine(RepositoryRoot.Path, "src")).Select(d => Path.GetExtension(d).TrimStart('.')));
        var missing = from page in Pages()
                      from word in Ticked().Matches(page.Text).Select(m => m.Groups["code"].Value)
                      where TypeName().IsMatch(word) && !NotTypes.Contains(word) && !declared.Contains(word)
                      select $"{page.File} names {word}, which is no type of this repository";
        Assert.Empty(missing);
    }

    private static bool IsPath(string code) => !code.Contains(' ', StringComparison.Ordinal) && !code.Contains('<', StringComparison.Ordinal)
        && Folders.Any(f => code.StartsWith(f + "/", StringComparison.Ordinal));

    private static IEnumerable<(string File, string Text)> Pages()
    {
        yield return ("README.md", File.ReadAllText(Path.Combine(RepositoryRoot.Path, "README.md")));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(RepositoryRoot.Path, "docs"), "*.md", SearchOption.AllDirectories))
        {
            yield return (Path.GetRelativePath(RepositoryRoot.Path, file), File.ReadAllText(file));
        }
    }

    [GeneratedRegex("`(?<code>[^`\n]+)`")]
    private static partial Regex Ticked();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*$")]
    private static partial Regex TypeName();

    [GeneratedRegex(@"\b(?:class|record|struct|interface|enum|delegate\s+\w+)\s+(?:struct\s+|class\s+)?(?<name>[A-Z]\w*)")]
    private static partial Regex Declaration();
}

using MetricsOperator.Api.Schema;
using MetricsOperator.TestKit;

namespace MetricsOperator.Repository.Tests.Generated;

public sealed class GeneratedFilesTests
{
    [Fact]
    public void Generated_files_equal_what_the_code_says()
    {
        var stale = new List<string>();
        foreach (var file in GeneratedFiles.All())
        {
            var path = Path.Combine(RepositoryRoot.Path, file.Path);
            if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllText(path, file.Text);
            }

            if (!File.Exists(path) || File.ReadAllText(path) != file.Text)
            {
                stale.Add(file.Path);
            }
        }

        Assert.True(stale.Count == 0, $"these files are not what the code says, run `metricsctl generate`: {string.Join(", ", stale)}");
    }

    [Fact]
    public void Every_definition_is_small_enough_for_plain_kubectl_apply()
    {
        foreach (var file in GeneratedFiles.All().Where(f => f.Path.StartsWith("crds/", StringComparison.Ordinal)))
        {
            Assert.InRange(file.Text.Length, 1, 200 * 1024);
        }
    }
}

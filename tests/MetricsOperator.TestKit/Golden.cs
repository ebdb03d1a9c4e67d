using System.Runtime.CompilerServices;
using Xunit.Sdk;

namespace MetricsOperator.TestKit;

/// <summary>Compares text with a file beside the test; <c>UPDATE_GOLDEN=1</c> rewrites the file in the source tree instead.</summary>
public static class Golden
{
    /// <param name="relativePath">Path below the calling test file's project folder, for example <c>testdata/plan.golden.yaml</c>.</param>
    /// <param name="actual">The text to compare.</param>
    /// <param name="callerFile">Filled in by the compiler.</param>
    public static void Check(string relativePath, string actual, [CallerFilePath] string callerFile = "")
    {
        var path = Path.Combine(ProjectFolder(callerFile), relativePath);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }

        if (!File.Exists(path))
        {
            throw new XunitException($"golden file {path} does not exist; run the test once with UPDATE_GOLDEN=1 and review the file");
        }

        var expected = File.ReadAllText(path);
        if (expected != actual)
        {
            throw new XunitException($"{relativePath} differs from what the code produces (UPDATE_GOLDEN=1 rewrites it):\n{FirstDifference(expected, actual)}");
        }
    }

    private static string ProjectFolder(string file)
    {
        for (var folder = Path.GetDirectoryName(file); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Directory.Exists(folder) && Directory.EnumerateFiles(folder, "*.csproj").Any())
            {
                return folder;
            }
        }

        throw new XunitException($"no project folder above {file}");
    }

    private static string FirstDifference(string expected, string actual)
    {
        var want = expected.Split('\n');
        var got = actual.Split('\n');
        for (var i = 0; i < Math.Max(want.Length, got.Length); i++)
        {
            var w = i < want.Length ? want[i] : "(end of file)";
            var g = i < got.Length ? got[i] : "(end of file)";
            if (w != g)
            {
                return $"line {i + 1}:\n  want: {w}\n  got:  {g}";
            }
        }

        return "(only line ends differ)";
    }
}

namespace MetricsOperator.TestKit;

/// <summary>A fresh directory that disappears with the test.</summary>
public sealed class TempDir : IDisposable
{
    /// <param name="parent">Where to create it; null for the system's place for such.</param>
    public TempDir(string? parent = null) => Path = parent is null
        ? Directory.CreateTempSubdirectory("metricsoperator-test-").FullName
        : Directory.CreateDirectory(System.IO.Path.Combine(parent, $"metricsoperator-test-{Guid.NewGuid():N}")).FullName;

    public string Path { get; }

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    /// <summary>Copies a directory tree into this one under <paramref name="name"/> and returns its new path.</summary>
    public string CopyFrom(string source, string name)
    {
        var target = this[name];
        Directory.CreateDirectory(target);
        foreach (var directory in Directory.EnumerateDirectories(source, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(System.IO.Path.Combine(target, System.IO.Path.GetRelativePath(source, directory)));
        }

        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, System.IO.Path.Combine(target, System.IO.Path.GetRelativePath(source, file)));
        }

        return target;
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException) when (!Directory.Exists(Path))
        {
            // The test removed it itself.
        }
    }
}

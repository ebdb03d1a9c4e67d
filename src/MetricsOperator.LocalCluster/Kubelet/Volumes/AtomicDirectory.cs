using System.Globalization;

namespace MetricsOperator.LocalCluster.Kubelet.Volumes;

/// <summary>
/// A directory whose files change together, laid out as a kubelet does it: the files live in <c>..TIMESTAMP</c>, <c>..data</c> is a symlink to
/// that, and each visible name is a symlink through <c>..data</c>. Renaming a new <c>..data</c> over the old one swaps all files at once; a reader sees
/// the old set or the new set.
/// </summary>
internal sealed class AtomicDirectory(string path, TimeProvider time)
{
    private const string DataLink = "..data";

    public string Path { get; } = path;

    /// <summary>Makes the directory hold exactly these files (relative paths, folders allowed); returns false when it already did.</summary>
    public bool Publish(IReadOnlyDictionary<string, PayloadFile> files)
    {
        Directory.CreateDirectory(Path);
        var dataLink = System.IO.Path.Join(Path, DataLink);
        var current = new FileInfo(dataLink).LinkTarget;
        if (current is not null && Holds(System.IO.Path.Join(Path, current), files))
        {
            return false;
        }

        var fresh = FreshName();
        var freshFolder = System.IO.Path.Join(Path, fresh);
        foreach (var (name, file) in files)
        {
            var target = System.IO.Path.Join(freshFolder, name);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
            File.WriteAllBytes(target, file.Content);
            File.SetUnixFileMode(target, file.Mode);
        }

        Directory.CreateDirectory(freshFolder);
        var temporary = dataLink + "_tmp";
        File.Delete(temporary);
        File.CreateSymbolicLink(temporary, fresh);
        AtomicRename.Replace(temporary, dataLink);
        LinkNames(files.Keys);
        if (current is not null)
        {
            Directory.Delete(System.IO.Path.Join(Path, current), recursive: true);
        }

        return true;
    }

    private static bool Holds(string folder, IReadOnlyDictionary<string, PayloadFile> files)
    {
        if (!Directory.Exists(folder))
        {
            return false;
        }

        var there = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        return there.Length == files.Count
            && there.All(file => files.TryGetValue(System.IO.Path.GetRelativePath(folder, file), out var wanted)
                && File.GetUnixFileMode(file) == wanted.Mode
                && File.ReadAllBytes(file).AsSpan().SequenceEqual(wanted.Content));
    }

    private string FreshName()
    {
        var stamp = time.GetUtcNow().UtcDateTime.ToString("yyyy_MM_dd_HH_mm_ss.fffffff", CultureInfo.InvariantCulture);
        var name = ".." + stamp;
        for (var i = 1; Directory.Exists(System.IO.Path.Join(Path, name)); i++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"..{stamp}.{i}");
        }

        return name;
    }

    /// <summary>Visible names are links through ..data, one per top-level entry; names that went away lose theirs.</summary>
    private void LinkNames(IEnumerable<string> files)
    {
        var wanted = files.Select(name => name.Split('/')[0]).ToHashSet(StringComparer.Ordinal);
        foreach (var entry in Directory.GetFileSystemEntries(Path))
        {
            var name = System.IO.Path.GetFileName(entry);
            if (!name.StartsWith("..", StringComparison.Ordinal) && !wanted.Remove(name))
            {
                File.Delete(entry);
            }
        }

        foreach (var name in wanted)
        {
            File.CreateSymbolicLink(System.IO.Path.Join(Path, name), System.IO.Path.Join(DataLink, name));
        }
    }
}

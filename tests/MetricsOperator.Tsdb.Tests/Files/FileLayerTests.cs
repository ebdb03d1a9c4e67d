using System.Text.RegularExpressions;
using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Tests.Files;

public sealed partial class FileLayerTests
{
    [Fact]
    public void Engine_changes_the_disk_only_through_the_file_layer()
    {
        var source = Path.Combine(RepositoryRoot.Path, "src", "MetricsOperator.Tsdb");
        var found = new List<string>();
        foreach (var path in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories))
        {
            // HeadMemory maps memory, not files.
            if (Path.GetFileName(path) is "DiskFiles.cs" or "HeadMemory.cs")
            {
                continue;
            }

            var number = 0;
            foreach (var line in File.ReadLines(path))
            {
                number++;
                if (Changes().IsMatch(line) && !line.Contains("FileAccess.Read,", StringComparison.Ordinal))
                {
                    found.Add($"{Path.GetRelativePath(source, path)}:{number}: {line.Trim()}");
                }
            }
        }

        Assert.True(found.Count == 0, "want a method of FileLayer instead of\n" + string.Join('\n', found));
    }

    [Theory]
    [InlineData("File.Delete(path);")]
    [InlineData("            System.IO.File.Move(a, b);")]
    [InlineData("using var f = File.OpenHandle(path, FileMode.Create, FileAccess.Write);")]
    [InlineData("RandomAccess.Write(handle, bytes, 0);")]
    [InlineData("Directory.CreateDirectory(path);")]
    [InlineData("var f = new FileStream(path, FileMode.Append);")]
    [InlineData("new FileInfo(path).Delete();")]
    public void Guard_knows_what_changes_the_disk(string line) => Assert.Matches(Changes(), line);

    [Theory]
    [InlineData("_files.DeleteFile(path);")]
    [InlineData("RandomAccess.Read(handle, bytes, 0);")]
    [InlineData("BlockFolders.Delete(files, path);")]
    [InlineData("if (!Directory.Exists(path) || File.Exists(path))")]
    [InlineData("BlockMetaFile.Write(files, path, meta);")]
    public void Guard_lets_reading_pass(string line) => Assert.DoesNotMatch(Changes(), line);

    [Fact]
    public void Atomic_write_replaces_and_leaves_no_temporary_file()
    {
        using var folder = new TempDir();
        File.WriteAllText(folder["a"], "a longer old content");
        DiskFiles.Instance.WriteAtomically(folder["a"], "new"u8);
        Assert.Equal("new", File.ReadAllText(folder["a"]));
        Assert.Equal([folder["a"]], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [GeneratedRegex(@"\bFile\.(Delete|Move|Copy|Replace|Create\w*|Open|OpenWrite|OpenHandle|OpenText|Write\w*|Append\w*|Set\w*|Encrypt)\(|\bDirectory\.(Delete|Move|Create\w*|Set\w*)\(|\bRandomAccess\.(Write\w*|SetLength|FlushToDisk)\(|\bnew (FileStream|StreamWriter|FileStreamOptions)\(|\bnew (FileInfo|DirectoryInfo)\([^)]*\)\.(Delete|MoveTo|CopyTo|Create\w*|Open\w*|Replace|Append\w*)\(|\bMemoryMappedFile\.Create(New|OrOpen)|\bLibraryImport\(")]
    private static partial Regex Changes();
}

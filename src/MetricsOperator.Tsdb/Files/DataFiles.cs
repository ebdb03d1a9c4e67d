using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Files;

/// <summary>A file whose name is a number: a log segment or a chunk file.</summary>
internal sealed record NumberedFile(int Number, string Path);

/// <summary>Finding and reading files; what writes is in <see cref="FileLayer"/>.</summary>
internal static class DataFiles
{
    /// <summary>Files of a directory whose whole name is a decimal number, in ascending order; other names are not ours and ignored.</summary>
    public static List<NumberedFile> Numbered(string directory)
    {
        var files = new List<NumberedFile>();
        if (Directory.Exists(directory))
        {
            foreach (var path in Directory.EnumerateFiles(directory))
            {
                if (int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                {
                    files.Add(new NumberedFile(number, path));
                }
            }
        }

        files.Sort((a, b) => a.Number.CompareTo(b.Number));
        return files;
    }

    /// <summary>Opens for reading; others may write, rename and delete the file meanwhile.</summary>
    public static SafeFileHandle OpenRead(string path) =>
        File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Reads until the buffer is full or the file ends.</summary>
    public static int ReadFully(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = RandomAccess.Read(file, buffer[total..], offset + total);
            if (read == 0)
            {
                break;
            }

            total += read;
        }

        return total;
    }

    /// <summary>Bytes of all files below a directory; files that disappear meanwhile count as nothing.</summary>
    public static long SizeOf(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return 0;
        }

        long total = 0;
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            if (file.Exists)
            {
                total += file.Length;
            }
        }

        return total;
    }
}

using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Files;

/// <summary>A file whose name is a number: a log segment or a chunk file.</summary>
internal readonly record struct NumberedFile(int Number, string Path);

/// <summary>File operations whose order decides what survives a crash.</summary>
internal static partial class DataFiles
{
    private const int OpenDirectory = 0x10000;

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

    /// <summary>Creates a file that must not exist.</summary>
    public static SafeFileHandle Create(string path) =>
        File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Makes names in the directory (created, renamed, deleted) durable.</summary>
    public static void SyncDirectory(string path)
    {
        var descriptor = Open(path, OpenDirectory);
        if (descriptor < 0)
        {
            throw new IOException($"cannot open directory {path}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }

        var failed = Fsync(descriptor) != 0;
        var error = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        if (failed)
        {
            throw new IOException($"cannot sync directory {path}: {new Win32Exception(error).Message}");
        }
    }

    /// <summary>Writes a small file so that after a crash either the old or the new content is there.</summary>
    public static void WriteAtomically(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + ".tmp";
        using (var handle = File.OpenHandle(temporary, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(handle, content, 0);
            RandomAccess.FlushToDisk(handle);
        }

        File.Move(temporary, path, overwrite: true);
        SyncDirectory(Path.GetDirectoryName(path)!);
    }

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

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}

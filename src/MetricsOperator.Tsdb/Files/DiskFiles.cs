using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Files;

/// <summary>The operations as the kernel does them.</summary>
internal sealed partial class DiskFiles : FileLayer
{
    public static readonly DiskFiles Instance = new();

    private const int OpenDirectory = 0x10000;
    private const FileShare ShareAll = FileShare.ReadWrite | FileShare.Delete;

    private DiskFiles()
    {
    }

    public override SafeFileHandle Create(string path) => File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, ShareAll);

    public override SafeFileHandle CreateOrEmpty(string path) => File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, ShareAll);

    public override SafeFileHandle OpenWrite(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, ShareAll);

    // Opening without sharing is flock(LOCK_EX | LOCK_NB) here.
    public override SafeFileHandle OpenExclusive(string path) => File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(file, bytes, offset);

    public override void Sync(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    public override void SetLength(SafeFileHandle file, long length) => RandomAccess.SetLength(file, length);

    public override void MoveFile(string from, string to) => File.Move(from, to, overwrite: true);

    public override void MoveDirectory(string from, string to) => Directory.Move(from, to);

    public override void DeleteFile(string path) => File.Delete(path);

    public override void DeleteDirectory(string path) => Directory.Delete(path, recursive: true);

    public override void CreateDirectory(string path) => Directory.CreateDirectory(path);

    public override void SyncDirectory(string path)
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

    /// <summary>Makes a file appear in a directory that is nobody's data.</summary>
    public static void SymbolicLink(string file, string name) => File.CreateSymbolicLink(name, file);

    public override void Link(string file, string name)
    {
        if (HardLink(file, name) != 0)
        {
            throw new IOException($"cannot link {file} as {name}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int HardLink(string file, string name);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}

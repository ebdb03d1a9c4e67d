using MetricsOperator.Tsdb.Files;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>The disk without waiting for it: what is written here need not survive, and a slow disk is no hanging reader.</summary>
internal sealed class UnsyncedFiles : FileLayer
{
    public static readonly UnsyncedFiles Instance = new();

    public override SafeFileHandle Create(string path) => DiskFiles.Instance.Create(path);

    public override SafeFileHandle CreateOrEmpty(string path) => DiskFiles.Instance.CreateOrEmpty(path);

    public override SafeFileHandle OpenWrite(string path) => DiskFiles.Instance.OpenWrite(path);

    public override SafeFileHandle OpenExclusive(string path) => DiskFiles.Instance.OpenExclusive(path);

    public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset) => DiskFiles.Instance.Write(file, bytes, offset);

    public override void Sync(SafeFileHandle file)
    {
    }

    public override void SetLength(SafeFileHandle file, long length) => DiskFiles.Instance.SetLength(file, length);

    public override void MoveFile(string from, string to) => DiskFiles.Instance.MoveFile(from, to);

    public override void MoveDirectory(string from, string to) => DiskFiles.Instance.MoveDirectory(from, to);

    public override void DeleteFile(string path) => DiskFiles.Instance.DeleteFile(path);

    public override void DeleteDirectory(string path) => DiskFiles.Instance.DeleteDirectory(path);

    public override void CreateDirectory(string path) => DiskFiles.Instance.CreateDirectory(path);

    public override void SyncDirectory(string path)
    {
    }
}

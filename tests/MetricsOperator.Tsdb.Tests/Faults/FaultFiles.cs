using MetricsOperator.Tsdb.Files;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Tests.Faults;

/// <summary>What goes wrong.</summary>
internal enum FaultKind
{
    None,

    /// <summary>The process ends before the operation.</summary>
    Kill,

    /// <summary>A part of a write reaches the file, then the process ends; before an operation that is not a write.</summary>
    ShortWrite,

    /// <summary>The machine ends before the operation, or in the middle of a write.</summary>
    PowerLoss,

    /// <summary>The operation fails and the process lives on.</summary>
    IoError,

    /// <summary>From the operation on there is no space for some time; the process lives on.</summary>
    NoSpace,
}

/// <summary>What an operation does, as far as faults differ.</summary>
internal enum FileOperation
{
    Create,
    Open,
    Write,
    Sync,
    SetLength,
    Move,
    Delete,
    CreateDirectory,
    SyncDirectory,
}

/// <summary>The process is gone: nothing it does reaches the disk any more.</summary>
internal sealed class KilledException() : Exception("the process was killed");

/// <summary>
/// The file layer of one process on a <see cref="FaultDisk"/>: counts operations and fails one of them. Syncs only mark what is durable,
/// so that thousands of runs take seconds.
/// </summary>
internal sealed class FaultFiles(FaultDisk disk, Random random) : FileLayer
{
    private static readonly DiskFiles Real = DiskFiles.Instance;

    private readonly Dictionary<SafeFileHandle, (FaultDisk.FileNode Node, string Path)> _open = [];

    public int Operations { get; private set; }

    /// <summary>Whether the fault has happened.</summary>
    public bool IsHit { get; private set; }

    public bool IsDead { get; private set; }

    /// <summary>While true, what needs space is refused.</summary>
    public bool IsFull { get; set; }

    public FaultKind Kind { get; set; }

    /// <summary>Number of the operation that fails, from 1.</summary>
    public int At { get; set; }

    /// <summary>As <see cref="At"/>: the first operations that this is true for, <see cref="Times"/> of them.</summary>
    public Func<FileOperation, string, bool>? When { get; set; }

    public int Times { get; set; } = 1;

    /// <summary>Told after each sync of a file.</summary>
    public Action<string>? Synced { get; set; }

    /// <summary>Told before each operation.</summary>
    public Action<FileOperation, string>? Trace { get; set; }

    public override SafeFileHandle Create(string path)
    {
        Before(FileOperation.Create, path);
        var handle = Real.Create(path);
        return Opened(handle, disk.Create(path), path);
    }

    public override SafeFileHandle CreateOrEmpty(string path)
    {
        Before(FileOperation.Create, path);
        var exists = File.Exists(path);
        var handle = Real.CreateOrEmpty(path);
        var node = exists ? disk.File(path) : disk.Create(path);
        node.SetLength(0);
        return Opened(handle, node, path);
    }

    public override SafeFileHandle OpenWrite(string path)
    {
        Before(FileOperation.Open, path);
        return Opened(Real.OpenWrite(path), disk.File(path), path);
    }

    public override SafeFileHandle OpenExclusive(string path)
    {
        Before(FileOperation.Create, path);
        var exists = File.Exists(path);
        var handle = Real.OpenExclusive(path);
        return Opened(handle, exists ? disk.File(path) : disk.Create(path), path);
    }

    public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        var (node, path) = Of(file);
        var fault = Fault(FileOperation.Write, path);
        if (fault is not null && !IsDead && (fault is not KilledException || Kind != FaultKind.Kill))
        {
            var part = bytes[..random.Next(bytes.Length)];
            Real.Write(file, part, offset);
            node.Write(part, offset);
        }

        Throw(fault);
        Real.Write(file, bytes, offset);
        node.Write(bytes, offset);
    }

    public override void Sync(SafeFileHandle file)
    {
        var (node, path) = Of(file);
        Before(FileOperation.Sync, path);
        node.Sync();
        Synced?.Invoke(path);
    }

    public override void SetLength(SafeFileHandle file, long length)
    {
        var (node, path) = Of(file);
        Before(FileOperation.SetLength, path);
        Real.SetLength(file, length);
        node.SetLength(length);
    }

    public override void MoveFile(string from, string to)
    {
        Before(FileOperation.Move, from);
        Real.MoveFile(from, to);
        disk.Move(from, to);
    }

    public override void MoveDirectory(string from, string to)
    {
        Before(FileOperation.Move, from);
        Real.MoveDirectory(from, to);
        disk.Move(from, to);
    }

    public override void DeleteFile(string path)
    {
        Before(FileOperation.Delete, path);
        Real.DeleteFile(path);
        disk.Delete(path);
    }

    public override void DeleteDirectory(string path)
    {
        // The kernel deletes one name at a time, in no order that anyone could rely on.
        var entries = Directory.EnumerateFileSystemEntries(path).Order(StringComparer.Ordinal).ToArray();
        if (Operations % 2 == 0)
        {
            Array.Reverse(entries);
        }

        foreach (var entry in entries)
        {
            if (Directory.Exists(entry))
            {
                DeleteDirectory(entry);
            }
            else
            {
                DeleteFile(entry);
            }
        }

        Before(FileOperation.Delete, path);
        Real.DeleteDirectory(path);
        disk.Delete(path);
    }

    public override void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        if (Path.GetDirectoryName(path) is { } parent)
        {
            CreateDirectory(parent);
        }

        Before(FileOperation.CreateDirectory, path);
        Real.CreateDirectory(path);
        disk.CreateDirectory(path);
    }

    public override void SyncDirectory(string path)
    {
        Before(FileOperation.SyncDirectory, path);
        disk.SyncDirectory(path);
    }

    /// <summary>Ends the process as a kill does: its files are closed, its later operations do nothing.</summary>
    public void Die()
    {
        IsDead = true;
        foreach (var handle in _open.Keys)
        {
            handle.Dispose();
        }

        _open.Clear();
    }

    private SafeFileHandle Opened(SafeFileHandle handle, FaultDisk.FileNode node, string path)
    {
        _open[handle] = (node, path);
        return handle;
    }

    private (FaultDisk.FileNode Node, string Path) Of(SafeFileHandle file) => IsDead ? throw new KilledException() : _open[file];

    private void Before(FileOperation operation, string path) => Throw(Fault(operation, path));

    private void Throw(Exception? fault)
    {
        if (fault is KilledException)
        {
            Die();
        }

        if (fault is not null)
        {
            throw fault;
        }
    }

    private Exception? Fault(FileOperation operation, string path)
    {
        if (IsDead)
        {
            return new KilledException();
        }

        Operations++;
        Trace?.Invoke(operation, path);
        var isHere = Times > 0 && Kind != FaultKind.None && (Operations == At || When?.Invoke(operation, path) == true);
        if (isHere)
        {
            IsHit = true;
            Times--;
            IsFull = Kind == FaultKind.NoSpace;
            switch (Kind)
            {
                case FaultKind.Kill or FaultKind.ShortWrite or FaultKind.PowerLoss:
                    return new KilledException();
                case FaultKind.IoError:
                    return new IOException($"Input/output error : '{path}'", 5);
            }
        }

        return IsFull && operation is (FileOperation.Create or FileOperation.Write or FileOperation.CreateDirectory)
            ? new IOException($"No space left on device : '{path}'", 28)
            : null;
    }
}

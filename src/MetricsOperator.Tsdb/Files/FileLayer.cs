using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Files;

/// <summary>
/// Every operation that changes a data directory. The engine has no other way to the disk for writing, so that tests can stop it, refuse it
/// or lose its unsynced work at each step. Failures are an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>. Thread-safe.
/// </summary>
internal abstract class FileLayer
{
    /// <summary>Creates a file that must not exist, for writing and reading; others may read, rename and delete it meanwhile.</summary>
    public abstract SafeFileHandle Create(string path);

    /// <summary>As <see cref="Create"/>, but empties a file of that name.</summary>
    public abstract SafeFileHandle CreateOrEmpty(string path);

    /// <summary>Opens an existing file for writing and reading; others may read, rename and delete it meanwhile.</summary>
    public abstract SafeFileHandle OpenWrite(string path);

    /// <summary>Opens or creates a file that only one holder may have open; the kernel lets go of it when the process ends.</summary>
    public abstract SafeFileHandle OpenExclusive(string path);

    /// <summary>Writes all bytes at an offset. When it fails, any part of them may be in the file.</summary>
    public abstract void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset);

    /// <summary>Waits until the file's content and length are on the disk. Its name is durable only after <see cref="SyncDirectory"/>.</summary>
    public abstract void Sync(SafeFileHandle file);

    public abstract void SetLength(SafeFileHandle file, long length);

    /// <summary>Renames a file, in place of one that has the new name.</summary>
    public abstract void MoveFile(string from, string to);

    /// <summary>Renames a directory; the new name must be free.</summary>
    public abstract void MoveDirectory(string from, string to);

    /// <summary>Deletes a file; one that does not exist is no error.</summary>
    public abstract void DeleteFile(string path);

    /// <summary>Deletes a directory with everything in it, in any order: a crash may leave any part.</summary>
    public abstract void DeleteDirectory(string path);

    /// <summary>Creates a directory and those above it; existing ones are no error.</summary>
    public abstract void CreateDirectory(string path);

    /// <summary>Makes names in the directory (created, renamed, deleted) durable.</summary>
    public abstract void SyncDirectory(string path);

    /// <summary>Gives a file that nobody changes any more a second name, which must be free; a layer without links copies it.</summary>
    public virtual void Link(string file, string name)
    {
        using var source = DataFiles.OpenRead(file);
        using var target = Create(name);
        var buffer = new byte[64 * 1024];
        int read;
        for (long offset = 0; (read = DataFiles.ReadFully(source, buffer, offset)) > 0; offset += read)
        {
            Write(target, buffer.AsSpan(0, read), offset);
        }

        Sync(target);
    }

    /// <summary>Writes a small file so that after a crash either the old or the new content is there.</summary>
    public void WriteAtomically(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + ".tmp";
        using (var handle = CreateOrEmpty(temporary))
        {
            Write(handle, content, 0);
            Sync(handle);
        }

        MoveFile(temporary, path);
        SyncDirectory(Path.GetDirectoryName(path)!);
    }
}

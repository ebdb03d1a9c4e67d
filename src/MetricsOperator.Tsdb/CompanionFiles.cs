using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb;

/// <summary>
/// Small files that a program keeps beside the data, such as what it remembers of queries. They live and move with the directory and are under its
/// lock. Every failure is a <see cref="StorageException"/> that names the file.
/// </summary>
public sealed class CompanionFiles
{
    private readonly FileLayer _files;
    private readonly string _directory;

    internal CompanionFiles(FileLayer files, string directory)
    {
        _files = files;
        _directory = directory;
    }

    /// <summary>The companions of a directory that is not open as a database, for tests and tools.</summary>
    public static CompanionFiles In(string directory) => new(DiskFiles.Instance, directory);

    /// <summary>The content of a file; null when there is none.</summary>
    /// <param name="name">Name of the file in the directory.</param>
    /// <param name="maxBytes">A larger file is not read.</param>
    /// <exception cref="StorageException">It cannot be read, or is larger.</exception>
    public byte[]? Read(string name, int maxBytes)
    {
        var path = Path.Combine(_directory, name);
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length > maxBytes)
            {
                throw new StorageException($"{path} has {file.Length} bytes, want at most {maxBytes}");
            }

            var content = new byte[file.Length];
            file.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot read {path}: {e.Message}", e);
        }
    }

    /// <summary>Replaces a file as a whole: after a crash it has the old or the new content.</summary>
    /// <exception cref="StorageException">It cannot be written; the old content stays.</exception>
    public void Write(string name, ReadOnlySpan<byte> content)
    {
        var path = Path.Combine(_directory, name);
        try
        {
            _files.WriteAtomically(path, content);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot write {path}: {e.Message}", e);
        }
    }

    /// <summary>Makes an empty file of a fixed length, in place of one that is there, to be written in place.</summary>
    /// <exception cref="StorageException">It cannot be made.</exception>
    public CompanionFile Create(string name, long length)
    {
        var path = Path.Combine(_directory, name);
        SafeFileHandle? file = null;
        try
        {
            file = _files.CreateOrEmpty(path);
            _files.SetLength(file, length);
            return new CompanionFile(_files, file, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new StorageException($"cannot make {path}: {e.Message}", e);
        }
    }
}

/// <summary>A file that is written in place. What was written survives the process, not a loss of power. Thread-safe.</summary>
public sealed class CompanionFile : IDisposable
{
    private readonly FileLayer _files;
    private readonly SafeFileHandle _file;
    private readonly string _path;

    internal CompanionFile(FileLayer files, SafeFileHandle file, string path)
    {
        _files = files;
        _file = file;
        _path = path;
    }

    /// <summary>Writes bytes at an offset, in one call of the system.</summary>
    /// <exception cref="StorageException">They cannot be written.</exception>
    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            _files.Write(_file, bytes, offset);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            throw new StorageException($"cannot write {_path}: {e.Message}", e);
        }
    }

    public void Dispose() => _file.Dispose();
}

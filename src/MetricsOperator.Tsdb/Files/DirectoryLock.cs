using MetricsOperator.Timeseries.Contracts;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Files;

/// <summary>
/// Keeps other processes out of a data directory: an exclusive flock on the file <c>lock</c>, as Prometheus takes it. The kernel releases it
/// when the process ends, however it ends; a file that is left behind only says that the last stop was not clean.
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    /// <summary>EWOULDBLOCK: somebody holds the lock.</summary>
    private const int WouldBlock = 11;

    private readonly FileLayer _files;
    private readonly SafeFileHandle _file;
    private readonly string _path;

    /// <exception cref="StorageException">Another process has the directory.</exception>
    public DirectoryLock(FileLayer files, string directory)
    {
        _files = files;
        _path = Path.Combine(directory, "lock");
        WasLeftBehind = File.Exists(_path);
        try
        {
            _file = files.OpenExclusive(_path);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new StorageException($"cannot lock {_path}: another process uses the data directory ({e.Message})", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot lock {_path}: {e.Message}", e);
        }
    }

    /// <summary>True if an earlier process did not stop cleanly.</summary>
    public bool WasLeftBehind { get; }

    public void Dispose()
    {
        try
        {
            _files.DeleteFile(_path);
        }
        finally
        {
            _file.Dispose();
        }
    }
}

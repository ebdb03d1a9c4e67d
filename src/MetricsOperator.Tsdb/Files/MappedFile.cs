using System.Buffers;
using System.IO.MemoryMappedFiles;
using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Tsdb.Files;

/// <summary>
/// A file mapped for reading. Only for files that nobody changes any more: touching a page behind the end of a file that was cut kills the
/// process. Spans are valid until Dispose.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _start;
    private MemoryHandle _pinned;

    /// <exception cref="StorageException">The file cannot be opened or mapped.</exception>
    public MappedFile(string path)
    {
        Path = path;
        try
        {
            Length = new FileInfo(path).Length;
            if (Length == 0)
            {
                return;
            }

            var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            _file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot map {path}: {e.Message}", e);
        }
    }

    /// <summary>Bytes that look like a file: readers are tried on many contents without a disk.</summary>
    internal MappedFile(string path, ReadOnlyMemory<byte> content)
    {
        Path = path;
        Length = content.Length;
        _pinned = content.Pin();
        _start = (byte*)_pinned.Pointer;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Bytes at an offset; fewer, or none, when the file ends before.</summary>
    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        if (offset < 0 || offset >= Length || length <= 0)
        {
            return default;
        }

        return new ReadOnlySpan<byte>(_start + offset, (int)Math.Min(length, Length - offset));
    }

    public void Dispose()
    {
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
        }

        _file?.Dispose();
        _pinned.Dispose();
    }
}

using System.Buffers;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Head;

/// <summary>Tells about a chunk found in chunks_head at start.</summary>
internal delegate void HeadChunkFound(ulong series, SealedChunk chunk, ChunkEncoding encoding, bool isLate, int samples);

/// <summary>
/// The closed chunks of the head, in the files of <c>chunks_head</c>. Appends go through one buffer; a kill loses the buffered tail,
/// which the log still has. A file is synced before the next one begins, so that a power loss tears only the last: chunks behind a gap would
/// hide the samples of the gap from the replay of the log. A reference is the file number in the upper and the offset in the lower 32 bits. Thread-safe.
/// </summary>
internal sealed partial class HeadChunkFiles(FileLayer fileLayer, string directory, ILogger logger) : IDisposable
{
    private const int FileHeader = HeadChunkScan.FileHeader;

    /// <summary>Reference, two times and the encoding, before the length.</summary>
    private const int ChunkHeader = 25;
    private const int BufferBytes = 256 * 1024;
    private const long MaxFileBytes = 128 * 1024 * 1024;

    private readonly Lock _gate = new();

    /// <summary>In the order of their numbers.</summary>
    private readonly List<ChunkFile> _files = [];
    private readonly ByteWriter _buffer = new(4096);
    private ChunkFile? _current;
    private int _lastNumber;

    /// <summary>True if the files found at start belong to somebody else: they are neither cut nor written to.</summary>
    public bool LeavesFilesAsTheyAre { get; init; }

    /// <summary>Why the buffer could not be written, until a flush succeeds.</summary>
    public string? WriteError { get; private set; }

    /// <summary>
    /// Opens the directory and reports every chunk in file order. A file that is damaged is cut there and later files are deleted: the
    /// log has their samples.
    /// </summary>
    public void Load(HeadChunkFound found, CancellationToken cancellation)
    {
        fileLayer.CreateDirectory(directory);
        LoadFiles(found, cancellation);
        if (_files.Count > 0 && !LeavesFilesAsTheyAre)
        {
            // The earlier process may have ended before it did this.
            fileLayer.Sync(_files[^1].Handle);
            fileLayer.SyncDirectory(directory);
        }
    }

    private void LoadFiles(HeadChunkFound found, CancellationToken cancellation)
    {
        var files = DataFiles.Numbered(directory);
        for (var i = 0; i < files.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var (number, path) = files[i];
            var isGap = i > 0 && number != files[i - 1].Number + 1;
            var isEmpty = new FileInfo(path).Length < FileHeader;
            if (isGap || isEmpty)
            {
                if (isGap || i < files.Count - 1)
                {
                    logger.LogWarning("Head chunk file {Path} is empty or follows a gap; it and later ones are rebuilt from the log", path);
                }

                DeleteFrom(files, i);
                return;
            }

            var file = new ChunkFile(number, LeavesFilesAsTheyAre ? DataFiles.OpenRead(path) : fileLayer.OpenWrite(path), path);
            Add(file);
            var error = Scan(number, file, found);
            if (error is not null)
            {
                logger.LogWarning(
                    "Head chunk file {Path} is damaged at offset {Offset} ({Why}); what follows is rebuilt from the log", path, file.Length, error);
                if (!LeavesFilesAsTheyAre)
                {
                    fileLayer.SetLength(file.Handle, file.Length);
                }

                DeleteFrom(files, i + 1);
                if (file.Length == 0)
                {
                    _files.Remove(file);
                    file.Handle.Dispose();
                    fileLayer.DeleteFile(path);
                }

                return;
            }
        }
    }

    /// <summary>Adds a chunk. Never fails: when the disk refuses, chunks stay in memory and <see cref="Flush"/> tells.</summary>
    public ulong Append(ulong series, long minTime, long maxTime, ChunkEncoding encoding, ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            var file = Current(data.Length);
            var start = _buffer.Length;
            var offset = file.Length + start;
            _buffer.Be64(series);
            _buffer.BeI64(minTime);
            _buffer.BeI64(maxTime);
            _buffer.U8((byte)encoding);
            _buffer.Text(data);
            _buffer.Be32(Crc32C.Of(_buffer.Written[start..]));
            file.MaxTime = Math.Max(file.MaxTime, maxTime);
            if (_buffer.Length > BufferBytes)
            {
                TryFlush();
            }

            return ((ulong)(uint)file.Number << 32) | (ulong)offset;
        }
    }

    /// <summary>Hands buffered chunks to the kernel.</summary>
    /// <exception cref="StorageException">The disk refused; the chunks are kept and tried again.</exception>
    public void Flush()
    {
        lock (_gate)
        {
            TryFlush();
            if (WriteError is not null)
            {
                throw new StorageException(WriteError);
            }
        }
    }

    /// <summary>
    /// Deletes the oldest files as long as nothing in them is newer than <paramref name="minTime"/>, and starts a new one, so that the
    /// present one can go next time.
    /// </summary>
    /// <param name="minTime">First time that is needed.</param>
    /// <param name="beforeDeletion">Called once before files are deleted.</param>
    public void Truncate(long minTime, Action beforeDeletion)
    {
        SyncCurrent();
        var isFirst = true;
        lock (_gate)
        {
            EndFile();
            foreach (var file in _files.ToList())
            {
                if (file == _current || file.MaxTime >= minTime)
                {
                    return;
                }

                if (isFirst)
                {
                    beforeDeletion();
                    isFirst = false;
                }

                fileLayer.DeleteFile(file.Path);
                _files.Remove(file);
                file.Close();
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            TryFlush();
            foreach (var file in _files)
            {
                file.Close();
            }

            _files.Clear();
        }
    }

    private ChunkFile? Find(int number)
    {
        var (low, high) = (0, _files.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _files[middle].Number < number ? (middle + 1, high) : (low, middle);
        }

        return low < _files.Count && _files[low].Number == number ? _files[low] : null;
    }

    private void Add(ChunkFile file)
    {
        _files.Add(file);
        _lastNumber = Math.Max(_lastNumber, file.Number);
    }

    private string PathOf(int number) => Path.Combine(directory, NameOf(number));

    private ChunkFile Current(int dataLength)
    {
        if (_current is not null && _current.Length + _buffer.Length + dataLength + 64 <= MaxFileBytes)
        {
            return _current;
        }

        if (_current is not null)
        {
            EndFile();
            if (_current is not null)
            {
                // What is buffered belongs to this file; it may grow over its size until the disk accepts it.
                return _current;
            }
        }

        // Never a number again that was given before, even if its file is gone: what is known of the old one would be taken for the new.
        _current = new ChunkFile(_lastNumber + 1, null, PathOf(_lastNumber + 1));
        Add(_current);
        return _current;
    }

    // Commits that close a chunk take the lock, so the disk is waited for outside of it; what is left to sync inside is little.
    private void SyncCurrent()
    {
        SafeFileHandle? handle;
        lock (_gate)
        {
            TryFlush();
            handle = _current is { IsCreated: true } file ? file.Handle : null;
        }

        if (handle is not null)
        {
            fileLayer.Sync(handle);
            fileLayer.SyncDirectory(directory);
        }
    }

    // Makes the current file durable; the next chunk begins another. Nothing happens when the disk refuses.
    private void EndFile()
    {
        TryFlush();
        if (_current is not { } file || WriteError is not null)
        {
            return;
        }

        try
        {
            fileLayer.Sync(file.Handle);
            fileLayer.SyncDirectory(directory);
            _current = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            WriteError = $"cannot sync head chunks in {file.Path}: {e.Message}";
        }
    }

    private void TryFlush()
    {
        if (_current is null || (_buffer.Length == 0 && WriteError is null))
        {
            return;
        }

        try
        {
            if (!_current.IsCreated)
            {
                Span<byte> header = [0x01, 0x30, 0xBC, 0x91, 1, 0, 0, 0];
                _current.Close();
                _current.Handle = fileLayer.CreateOrEmpty(_current.Path);
                fileLayer.Write(_current.Handle, header, 0);
                _current.IsCreated = true;
            }

            fileLayer.Write(_current.Handle, _buffer.Written, _current.Length);
            _current.Length += _buffer.Length;
            _buffer.Clear(keep: BufferBytes * 2);
            WriteError = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            WriteError = $"cannot write head chunks to {_current.Path}: {e.Message}";
        }
    }

    private static string? Scan(int number, ChunkFile file, HeadChunkFound found)
    {
        var window = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            file.IsCreated = true;
            var scan = new HeadChunkScan(number, RandomAccess.GetLength(file.Handle), (into, offset) => DataFiles.ReadFully(file.Handle, into, offset));
            var error = scan.Run(window.AsSpan(0, BufferBytes), found);
            file.Length = scan.GoodLength;
            file.MaxTime = scan.MaxTime;
            return error;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }
    }

    private void DeleteFrom(List<NumberedFile> files, int first)
    {
        for (var i = files.Count - 1; i >= first; i--)
        {
            fileLayer.DeleteFile(files[i].Path);
        }
    }

    private sealed class ChunkFile(int number, SafeFileHandle? handle, string path)
    {
        private SafeFileHandle? _handle = handle;

        public int Number { get; } = number;

        public string Path { get; } = path;

        public bool IsCreated { get; set; }

        /// <summary>Bytes in the file; what is buffered comes behind.</summary>
        public long Length { get; set; } = FileHeader;

        public long MaxTime { get; set; } = long.MinValue;

        public SafeFileHandle Handle
        {
            get => _handle ?? throw new StorageException($"cannot read {Path}: it could not be created");
            set => _handle = value;
        }

        /// <summary>Closes the file, if it could be created at all.</summary>
        public void Close() => _handle?.Dispose();
    }
}

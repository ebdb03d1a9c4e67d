using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Recovery;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>
/// Appends records to the segments of one directory. <see cref="Add"/> frames records in memory and <see cref="Write"/> hands them to
/// the kernel, which survives a kill of this process, all of them or none; segments are synced when they are closed. Not thread-safe.
/// </summary>
internal sealed class WalWriter : IDisposable
{
    private readonly FileLayer _files;
    private readonly string _directory;
    private readonly int _segmentBytes;
    private readonly SnappyEncoder? _snappy;
    private readonly ByteWriter _frames = new(64 * 1024);
    private readonly ByteWriter _compressed = new(64 * 1024);

    /// <summary>Where in the frames a new segment begins.</summary>
    private readonly List<int> _segmentStarts = [];
    private SafeFileHandle _file;
    private long _fileLength;

    /// <summary>Where the log ended before the last write.</summary>
    private (int Segment, long Length) _before;

    /// <summary>The files hold more than the log: it ends at <see cref="_fileLength"/> of <see cref="Segment"/>.</summary>
    private bool _hasTornTail;

    /// <summary>Highest segment that exists, if the tail is torn.</summary>
    private int _lastStarted;
    private bool _isDisposed;

    /// <summary>
    /// Creates segment <paramref name="segment"/>, which must not exist. The one before, whose end an earlier process may not have synced, is
    /// made durable first: of a log only the last segment may be torn.
    /// </summary>
    /// <exception cref="StorageException">The disk refuses.</exception>
    public WalWriter(FileLayer files, string directory, int segment, int segmentBytes, bool compress)
    {
        if (segmentBytes <= 0 || segmentBytes % WalFormat.PageSize != 0)
        {
            throw new ArgumentException($"got segment size {segmentBytes}, want a multiple of {WalFormat.PageSize}", nameof(segmentBytes));
        }

        _files = files;
        _directory = directory;
        _segmentBytes = segmentBytes;
        _snappy = compress ? new SnappyEncoder() : null;
        Segment = segment;
        try
        {
            files.CreateDirectory(directory);
            files.SyncDirectory(Path.GetDirectoryName(directory)!);
            if (File.Exists(SegmentPath(segment - 1)))
            {
                using var previous = files.OpenWrite(SegmentPath(segment - 1));
                files.Sync(previous);
            }

            _file = Open(segment);
            _before = (segment, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotStart(segment, e);
        }
    }

    /// <summary>Number of the segment that is written to.</summary>
    public int Segment { get; private set; }

    /// <summary>Where the log ends.</summary>
    public LogPosition End => new(Segment, _fileLength);

    /// <summary>Bytes written since the start.</summary>
    public long BytesWritten { get; private set; }

    public long RecordsWritten { get; private set; }

    public long PagesCompleted { get; private set; }

    /// <summary>Bytes that compression saved.</summary>
    public long BytesSaved { get; private set; }

    public long Syncs { get; private set; }

    private long Position => _segmentStarts.Count == 0 ? _fileLength + _frames.Length : _frames.Length - _segmentStarts[^1];

    /// <summary>Frames one record; it is in no file before <see cref="Write"/>. An empty one is none: in a file it could not be told from damage.</summary>
    public void Add(ReadOnlySpan<byte> record)
    {
        if (record.IsEmpty)
        {
            return;
        }

        var payload = record;
        byte flags = 0;
        if (_snappy is not null)
        {
            _compressed.Clear(keep: 1 << 20);
            _snappy.Encode(record, _compressed);
            if (_compressed.Length < record.Length)
            {
                payload = _compressed.Written;
                BytesSaved += record.Length - _compressed.Length;
                flags = WalFormat.Snappy;
            }
        }

        var room = (long)Math.Max(0, PageLeft() - WalFormat.HeaderSize)
            + (Math.Max(0, (_segmentBytes - Position) / WalFormat.PageSize) * (WalFormat.PageSize - WalFormat.HeaderSize));
        if (PageLeft() == WalFormat.PageSize)
        {
            room -= WalFormat.PageSize - WalFormat.HeaderSize;
        }

        if (payload.Length > room && Position > 0)
        {
            Pad();
            _segmentStarts.Add(_frames.Length);
        }

        Frame(payload, flags);
        RecordsWritten++;
    }

    /// <summary>Hands what was added to the kernel.</summary>
    /// <exception cref="StorageException">The disk refused; nothing of what was added since the last write is in the log.</exception>
    public void Write()
    {
        if (_frames.Length == 0 && !_hasTornTail)
        {
            return;
        }

        _before = (Segment, _fileLength);
        try
        {
            CutTornTail();
            var start = 0;
            foreach (var end in _segmentStarts)
            {
                WritePart(start, end);
                Sync();
                var next = Open(Segment + 1);
                _file.Dispose();
                (_file, _fileLength, start) = (next, 0, end);
                Segment++;
            }

            WritePart(start, _frames.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var problem = $"cannot write {SegmentPath(Segment)} at offset {_fileLength}: {e.Message}";
            throw new StorageException(problem + TakeBack(), e);
        }

        BytesWritten += _frames.Length;
        Discard();
    }

    /// <summary>Makes the log what it was before the last write: that may have put part of its records into files and started segments.</summary>
    /// <returns>Nothing, or why the files hold those records until the next write, which removes them first.</returns>
    public string TakeBack()
    {
        Discard();
        if (Segment != _before.Segment)
        {
            _file.Dispose();
        }

        (Segment, _fileLength, _hasTornTail) = (_before.Segment, _before.Length, true);
        try
        {
            CutTornTail();
            return string.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"; nor can what was written be taken back: {e.Message}";
        }
    }

    /// <summary>Forgets what was added and not written.</summary>
    public void Discard()
    {
        _segmentStarts.Clear();
        _frames.Clear(keep: 1 << 20);
    }

    /// <summary>Ends the current segment durably and starts the next one.</summary>
    /// <exception cref="StorageException">The disk refuses; the current segment goes on.</exception>
    public void NextSegment()
    {
        Pad();
        Write();
        SafeFileHandle next;
        try
        {
            Sync();
            next = Open(Segment + 1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CannotStart(Segment + 1, e);
        }

        _file.Dispose();
        _file = next;
        Segment++;
        _fileLength = 0;
    }

    /// <summary>Waits until what was written is on the disk.</summary>
    public void Sync()
    {
        _files.Sync(_file);
        Syncs++;
    }

    /// <summary>Pads the last page, syncs and closes.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        try
        {
            Pad();
            Write();
            Sync();
        }
        finally
        {
            _file.Dispose();
        }
    }

    private SafeFileHandle Open(int segment)
    {
        var file = _files.Create(SegmentPath(segment));
        _lastStarted = segment;
        try
        {
            _files.SyncDirectory(_directory);
            return file;
        }
        catch
        {
            // The next attempt must find the name free.
            _hasTornTail = true;
            file.Dispose();
            _files.DeleteFile(SegmentPath(segment));
            throw;
        }
    }

    private StorageException CannotStart(int segment, Exception e) => new($"cannot start segment {SegmentPath(segment)}: {e.Message}", e);

    private void WritePart(int start, int end)
    {
        _files.Write(_file, _frames.Written[start..end], _fileLength);
        PagesCompleted += ((_fileLength + end - start) / WalFormat.PageSize) - (_fileLength / WalFormat.PageSize);
        _fileLength += end - start;
    }

    // Segments go newest first, so that what a crash leaves has no gap.
    private void CutTornTail()
    {
        if (!_hasTornTail)
        {
            return;
        }

        for (; _lastStarted > Segment; _lastStarted--)
        {
            _files.DeleteFile(SegmentPath(_lastStarted));
        }

        if (_file.IsClosed)
        {
            _file = _files.OpenWrite(SegmentPath(Segment));
        }

        _files.SetLength(_file, _fileLength);
        _hasTornTail = false;
    }

    private string SegmentPath(int segment) => Path.Combine(_directory, WalFormat.SegmentName(segment));

    private int PageLeft() => WalFormat.PageSize - (int)(Position % WalFormat.PageSize);

    private void Pad()
    {
        if (PageLeft() != WalFormat.PageSize)
        {
            _frames.Take(PageLeft()).Clear();
        }
    }

    private void Frame(ReadOnlySpan<byte> payload, byte flags)
    {
        var isFirst = true;
        do
        {
            if (PageLeft() < WalFormat.HeaderSize)
            {
                _frames.Take(PageLeft()).Clear();
            }

            var part = payload[..Math.Min(payload.Length, PageLeft() - WalFormat.HeaderSize)];
            payload = payload[part.Length..];
            var kind = (isFirst, payload.IsEmpty) switch
            {
                (true, true) => WalFormat.Full,
                (true, false) => WalFormat.First,
                (false, true) => WalFormat.Last,
                _ => WalFormat.Middle,
            };
            _frames.U8((byte)(kind | flags));
            _frames.Be16((ushort)part.Length);
            _frames.Be32(Crc32C.Of(part));
            _frames.Bytes(part);
            isFirst = false;
        }
        while (!payload.IsEmpty);
    }
}

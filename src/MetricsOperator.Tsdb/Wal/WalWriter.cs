using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>
/// Appends records to the segments of one directory. <see cref="Add"/> frames records in memory and <see cref="Write"/> hands them to
/// the kernel in one call, which survives a kill of this process; segments are synced when they are closed. Not thread-safe.
/// </summary>
internal sealed class WalWriter : IDisposable
{
    private readonly string _directory;
    private readonly int _segmentBytes;
    private readonly SnappyEncoder? _snappy;
    private readonly ByteWriter _frames = new(64 * 1024);
    private readonly ByteWriter _compressed = new(64 * 1024);
    private SafeFileHandle _file;
    private long _fileLength;
    private bool _hasTornTail;

    /// <summary>Creates segment <paramref name="segment"/>, which must not exist.</summary>
    public WalWriter(string directory, int segment, int segmentBytes, bool compress)
    {
        if (segmentBytes <= 0 || segmentBytes % WalFormat.PageSize != 0)
        {
            throw new ArgumentException($"got segment size {segmentBytes}, want a multiple of {WalFormat.PageSize}", nameof(segmentBytes));
        }

        _directory = directory;
        _segmentBytes = segmentBytes;
        _snappy = compress ? new SnappyEncoder() : null;
        Segment = segment;
        Directory.CreateDirectory(directory);
        _file = Open(segment);
    }

    /// <summary>Number of the segment that is written to.</summary>
    public int Segment { get; private set; }

    /// <summary>Bytes written since the start.</summary>
    public long BytesWritten { get; private set; }

    public long RecordsWritten { get; private set; }

    public long PagesCompleted { get; private set; }

    /// <summary>Bytes that compression saved.</summary>
    public long BytesSaved { get; private set; }

    public long Syncs { get; private set; }

    private long Position => _fileLength + _frames.Length;

    /// <summary>Frames one record; it is in no file before <see cref="Write"/>, except when a segment fills up.</summary>
    public void Add(ReadOnlySpan<byte> record)
    {
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
            NextSegment();
        }

        Frame(payload, flags);
        RecordsWritten++;
    }

    /// <summary>Hands what was added to the kernel.</summary>
    /// <exception cref="StorageException">The disk refused; nothing of what was added since the last write is in the log.</exception>
    public void Write()
    {
        if (_frames.Length == 0)
        {
            return;
        }

        try
        {
            if (_hasTornTail)
            {
                RandomAccess.SetLength(_file, _fileLength);
                _hasTornTail = false;
            }

            RandomAccess.Write(_file, _frames.Written, _fileLength);
        }
        catch (IOException e)
        {
            // Part of the batch may be in the file. It is cut off before anything else is written.
            _hasTornTail = true;
            _frames.Clear();
            throw new StorageException($"cannot write {SegmentPath(Segment)} at offset {_fileLength}: {e.Message}", e);
        }

        PagesCompleted += ((_fileLength + _frames.Length) / WalFormat.PageSize) - (_fileLength / WalFormat.PageSize);
        _fileLength += _frames.Length;
        BytesWritten += _frames.Length;
        _frames.Clear(keep: 1 << 20);
    }

    /// <summary>Forgets what was added and not written.</summary>
    public void Discard() => _frames.Clear(keep: 1 << 20);

    /// <summary>Ends the current segment durably and starts the next one.</summary>
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
        catch (IOException e)
        {
            throw new StorageException($"cannot start segment {SegmentPath(Segment + 1)}: {e.Message}", e);
        }

        _file.Dispose();
        _file = next;
        Segment++;
        _fileLength = 0;
    }

    /// <summary>Waits until what was written is on the disk.</summary>
    public void Sync()
    {
        RandomAccess.FlushToDisk(_file);
        Syncs++;
    }

    /// <summary>Pads the last page, syncs and closes.</summary>
    public void Dispose()
    {
        if (_file.IsClosed)
        {
            return;
        }

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
        var file = DataFiles.Create(SegmentPath(segment));
        DataFiles.SyncDirectory(_directory);
        return file;
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

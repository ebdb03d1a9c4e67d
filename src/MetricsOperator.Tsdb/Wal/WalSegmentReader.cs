using MetricsOperator.Tsdb.Files;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>Reads the records of one log segment, page by page; its memory is a page and the largest record.</summary>
internal sealed class WalSegmentReader : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly ReadOnlyMemory<byte> _content;
    private readonly byte[] _page = new byte[WalFormat.PageSize];
    private readonly ByteWriter _joined = new(1024);
    private readonly ByteWriter _decompressed = new(4096);
    private ZstdDecoder? _zstd;
    private long _pageStart = -WalFormat.PageSize;
    private int _pageLength;
    private int _position = WalFormat.PageSize;
    private bool _isBehindDamage;

    public WalSegmentReader(string path)
    {
        Path = path;
        _file = DataFiles.OpenRead(path);
        Length = RandomAccess.GetLength(_file);
    }

    /// <summary>Reads from an offset on, which is between two records.</summary>
    public WalSegmentReader(string path, long offset)
        : this(path)
    {
        var page = offset / WalFormat.PageSize * WalFormat.PageSize;
        _pageStart = page - WalFormat.PageSize;
        _pageLength = WalFormat.PageSize;
        GoodLength = offset;
        if (offset > page && NextPage())
        {
            _position = (int)(offset - page);
        }
    }

    /// <summary>Reads bytes that look like a segment: readers are tried on many contents without a disk.</summary>
    internal WalSegmentReader(string path, ReadOnlyMemory<byte> content)
    {
        Path = path;
        _content = content;
        Length = content.Length;
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>Offset behind the last complete record.</summary>
    public long GoodLength { get; private set; }

    /// <summary>Compression bits of the newest record.</summary>
    public byte Compression { get; private set; }

    /// <summary>What is wrong at <see cref="GoodLength"/>, once <see cref="Next"/> returned false; null at a proper end.</summary>
    public string? Error { get; private set; }

    /// <summary>Reads the next record, valid until the next call; false at the end or at damage.</summary>
    public bool Next(out ReadOnlySpan<byte> record)
    {
        record = default;
        if (Error is not null)
        {
            return false;
        }

        _joined.Clear();
        byte flags = 0;
        var inside = false;
        while (true)
        {
            if (!NextFragment(out var type, out var payload))
            {
                if (Error is null && inside)
                {
                    Error = "the last record is torn";
                }

                return false;
            }

            var kind = type & WalFormat.KindMask;
            var starts = kind is WalFormat.Full or WalFormat.First;
            if (_isBehindDamage && !starts)
            {
                // The rest of a record whose beginning is lost.
                continue;
            }

            _isBehindDamage = false;
            if (starts == inside)
            {
                Error = inside ? $"got fragment kind {kind} inside a record, want middle or last" : $"got fragment kind {kind}, want full or first";
                return false;
            }

            if (inside && (type & ~WalFormat.KindMask) != flags)
            {
                Error = "fragments of one record differ in compression";
                return false;
            }

            flags = (byte)(type & ~WalFormat.KindMask);
            if (kind == WalFormat.Full)
            {
                return Finish(flags, payload, out record);
            }

            if (_joined.Length + payload.Length > WalFormat.MaxRecordSize)
            {
                Error = $"record is longer than {WalFormat.MaxRecordSize} bytes";
                return false;
            }

            _joined.Bytes(payload);
            inside = true;
            if (kind == WalFormat.Last)
            {
                return Finish(flags, _joined.Written, out record);
            }
        }
    }

    /// <summary>
    /// Goes on behind damage, at the next place where a whole fragment that begins a record stands; <see cref="GoodLength"/> is that
    /// place then. False when there is none up to the end of the file, where <see cref="GoodLength"/> is then.
    /// </summary>
    public bool SkipDamage()
    {
        var from = (int)Math.Max(0, GoodLength + 1 - Math.Max(0, _pageStart));
        Error = null;
        _isBehindDamage = true;
        while (_pageStart >= 0 || NextPage())
        {
            for (; from + WalFormat.HeaderSize <= _pageLength; from++)
            {
                if (IsBeginningAt(from))
                {
                    _position = from;
                    GoodLength = _pageStart + from;
                    return true;
                }
            }

            from = 0;
            if (!NextPage())
            {
                break;
            }
        }

        GoodLength = Length;
        _position = _pageLength;
        return false;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _zstd?.Dispose();
    }

    private bool IsBeginningAt(int position)
    {
        var type = _page[position];
        if ((type & WalFormat.KindMask) is not (WalFormat.Full or WalFormat.First) || (type & 0xE0) != 0)
        {
            return false;
        }

        var header = new ByteReader(_page.AsSpan(position + 1, WalFormat.HeaderSize - 1));
        var length = header.Be16();
        var checksum = header.Be32();
        return length > 0
            && position + WalFormat.HeaderSize + length <= _pageLength
            && Crc32C.Of(_page.AsSpan(position + WalFormat.HeaderSize, length)) == checksum;
    }

    private bool Finish(byte flags, ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> record)
    {
        record = payload;
        Compression = flags;
        if (flags == WalFormat.Zstd)
        {
            _zstd ??= ZstdDecoder.Create();
            Error = _zstd.Decode(payload, _decompressed, WalFormat.MaxZstdSize);
            if (Error is not null)
            {
                return false;
            }

            record = _decompressed.Written;
        }
        else if (flags != 0)
        {
            if (!SnappyDecoder.Decode(payload, _decompressed, WalFormat.MaxRecordSize))
            {
                Error = "record is not a snappy block";
                return false;
            }

            record = _decompressed.Written;
        }

        GoodLength = _pageStart + _position;
        return true;
    }

    private bool NextFragment(out byte type, out ReadOnlySpan<byte> payload)
    {
        type = 0;
        payload = default;
        while (true)
        {
            // Less than a header is left in the page: it is padding. A file may end inside a page; what lacks counts as zeros.
            if (_position + WalFormat.HeaderSize > WalFormat.PageSize || _position >= _pageLength)
            {
                if (!RestIsZero())
                {
                    Error = "bytes after the end of a page's records";
                    return false;
                }

                if (!NextPage())
                {
                    return false;
                }

                continue;
            }

            type = _page[_position];
            if ((type & WalFormat.KindMask) == 0)
            {
                if (!RestIsZero())
                {
                    Error = "bytes after the end of a page's records";
                    return false;
                }

                _position = WalFormat.PageSize;
                continue;
            }

            // Snappy and zstd exclude each other.
            if ((type & WalFormat.KindMask) > WalFormat.Last || (type & ~WalFormat.KindMask) is not (0 or WalFormat.Snappy or WalFormat.Zstd))
            {
                Error = $"got fragment type 0x{type:x2}";
                return false;
            }

            var header = new ByteReader(_page.AsSpan(_position + 1, WalFormat.HeaderSize - 1));
            var length = header.Be16();
            var checksum = header.Be32();
            if (_position + WalFormat.HeaderSize + length > _pageLength)
            {
                Error = _pageLength < WalFormat.PageSize ? "the last record is torn" : $"got fragment length {length}, which exceeds the page";
                return false;
            }

            // Nobody writes one, and the checksum of nothing is 0: one wrong bit in the padding looks like it. Only the first part of a record may be empty.
            if (length == 0 && type == WalFormat.Full)
            {
                Error = "got an empty record";
                return false;
            }

            payload = _page.AsSpan(_position + WalFormat.HeaderSize, length);
            if (Crc32C.Of(payload) != checksum)
            {
                Error = $"got checksum 0x{Crc32C.Of(payload):x8}, want 0x{checksum:x8}";
                return false;
            }

            _position += WalFormat.HeaderSize + length;
            return true;
        }
    }

    private bool RestIsZero() => _position >= _pageLength || !_page.AsSpan(_position.._pageLength).ContainsAnyExcept((byte)0);

    private bool NextPage()
    {
        if (_pageLength < WalFormat.PageSize && _pageStart >= 0)
        {
            return false;
        }

        _pageStart += WalFormat.PageSize;
        _pageLength = _file is null ? CopyContent() : DataFiles.ReadFully(_file, _page, _pageStart);
        _page.AsSpan(_pageLength).Clear();
        _position = 0;
        return _pageLength > 0;
    }

    private int CopyContent()
    {
        var rest = _content.Span[(int)Math.Min(_pageStart, _content.Length)..];
        var length = Math.Min(rest.Length, _page.Length);
        rest[..length].CopyTo(_page);
        return length;
    }
}

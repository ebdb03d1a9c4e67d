using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>Fills an empty head from a state. Whatever does not fit together is an error; the head must not be used then.</summary>
internal sealed class HeadStateReader : IDisposable
{
    private readonly string _dataDirectory;
    private readonly SafeFileHandle _file;
    private readonly long _length;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(HeadStateFormat.BlockBytes * 2);
    private string? _error;
    private StateEnd _end;
    private ChunkFileState[] _chunkFiles = [];
    private bool[] _knownSymbols = [];

    private HeadStateReader(string dataDirectory, SafeFileHandle file)
    {
        _dataDirectory = dataDirectory;
        _file = file;
        _length = RandomAccess.GetLength(file);
    }

    /// <summary>Series of the state that <see cref="Keep"/> refused.</summary>
    public long RefusedSeries { get; private set; }

    /// <summary>Bytes of the file.</summary>
    public long Bytes => _length;

    /// <summary>The place in the log that the state belongs to.</summary>
    public LogPosition Position => new(_end.Segment, _end.Offset);

    /// <summary>Asked for every series; null keeps all.</summary>
    public Func<LabelSet, bool>? Keep { get; init; }

    /// <summary>Bytes of head at which the state is given up; 0 for no limit.</summary>
    public long MaxHeadBytes { get; init; }

    /// <summary>Told about every record of deletions, metadata and exemplars.</summary>
    public required RecordReader OnRecord { get; init; }

    /// <summary>Told the share that is read, 0 to 1.</summary>
    public Action<double>? Progress { get; init; }

    /// <summary>Opens the state of a directory; null when there is none.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static HeadStateReader? Open(string dataDirectory, Func<LabelSet, bool>? keep, long maxHeadBytes, RecordReader onRecord, Action<double>? progress)
    {
        var path = Path.Combine(dataDirectory, HeadStateFormat.FileName);
        return File.Exists(path)
            ? new HeadStateReader(dataDirectory, DataFiles.OpenRead(path)) { Keep = keep, MaxHeadBytes = maxHeadBytes, OnRecord = onRecord, Progress = progress }
            : null;
    }

    /// <summary>Checks that the state belongs to the log and the head chunks of the directory as they are now.</summary>
    /// <returns>Why it does not; null when it does.</returns>
    public string? Check(WalDirectory log)
    {
        if (!ReadEnd())
        {
            return _error;
        }

        if (log.Segments.FirstOrDefault(s => s.Number == _end.Segment).Path is not { } segment)
        {
            return $"segment {_end.Segment} of the log, where it ends, is gone";
        }

        if (HeadStateWriter.Fingerprint(segment, _end.Offset) != (_end.Fingerprint, _end.FingerprintBytes))
        {
            return $"the log is another one before offset {_end.Offset} of {segment}";
        }

        foreach (var chunkFile in _chunkFiles)
        {
            var path = Path.Combine(_dataDirectory, "chunks_head", HeadChunkFiles.NameOf(chunkFile.Number));
            if (HeadChunkFiles.Fingerprint(path, chunkFile.Length) != chunkFile.Fingerprint)
            {
                return $"{path} is another one or shorter than {chunkFile.Length} bytes";
            }
        }

        return null;
    }

    /// <summary>Fills the head; <see cref="Check"/> has succeeded.</summary>
    /// <returns>What is wrong with the file; null when the head is complete.</returns>
    /// <exception cref="ReplayTooLargeException">The head does not fit into the limit.</exception>
    public string? Fill(MemoryHead head, long minValidTime, CancellationToken cancellation)
    {
        var store = head.Store;
        store.Prepare(_end.Series, _end.SymbolLimit);
        _knownSymbols = new bool[_end.SymbolLimit];
        head.ChunkFiles.Adopt(_chunkFiles);
        long at = HeadStateFormat.Magic.Length;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (MaxHeadBytes > 0 && head.Bytes > MaxHeadBytes)
            {
                throw new ReplayTooLargeException(head.Bytes, Math.Max(0.001, (double)at / _length));
            }

            if (!ReadBlock(at, out var content))
            {
                return _error;
            }

            at += HeadStateFormat.BlockHeader + content.Length;
            var kind = content[0];
            content = content[1..];
            switch (kind)
            {
                case HeadStateFormat.Symbols:
                    ReadSymbols(store, content);
                    break;
                case HeadStateFormat.Series:
                    ReadSeries(head, minValidTime, content);
                    break;
                case HeadStateFormat.Record:
                    if (content.IsEmpty || !OnRecord(content))
                    {
                        Fail("a record is malformed");
                    }

                    break;
                case HeadStateFormat.Aliases:
                    ReadAliases(store, content);
                    break;
                case HeadStateFormat.End:
                    Finish(head, minValidTime);
                    return _error;
                default:
                    Fail($"got block kind {kind}");
                    break;
            }

            if (_error is not null)
            {
                return _error;
            }

            Progress?.Invoke((double)at / _length);
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private bool ReadEnd()
    {
        Span<byte> magic = stackalloc byte[8];
        Span<byte> trailer = stackalloc byte[8];
        if (DataFiles.ReadFully(_file, magic, 0) != 8 || !magic.SequenceEqual(HeadStateFormat.Magic))
        {
            return Fail("wrong magic number or version");
        }

        var hasTrailer = DataFiles.ReadFully(_file, trailer, Math.Max(0, _length - 8)) == 8;
        var at = BinaryPrimitives.ReadInt64LittleEndian(trailer);
        if (!hasTrailer || at < 8 || at > _length - 8 || !ReadBlock(at, out var content) || content[0] != HeadStateFormat.End)
        {
            return Fail("it is not complete");
        }

        content = content[1..];
        if (content.Length < Unsafe.SizeOf<StateEnd>())
        {
            return Fail("its last block is too short");
        }

        _end = MemoryMarshal.Read<StateEnd>(content);
        var files = content[Unsafe.SizeOf<StateEnd>()..];
        if (_end.ChunkFiles < 0 || files.Length != (long)_end.ChunkFiles * Unsafe.SizeOf<ChunkFileState>()
            || _end.Series < 0 || _end.Series > _length / Unsafe.SizeOf<SeriesState>() || _end.SymbolLimit < 0 || _end.SymbolLimit > _length
            || _end.Offset < 0 || _end.FingerprintBytes != Math.Min(_end.Offset, HeadStateFormat.FingerprintBytes))
        {
            return Fail("its last block is malformed");
        }

        _chunkFiles = MemoryMarshal.Cast<byte, ChunkFileState>(files).ToArray();
        return true;
    }

    private bool ReadBlock(long at, out ReadOnlySpan<byte> content)
    {
        content = default;
        Span<byte> header = stackalloc byte[HeadStateFormat.BlockHeader];
        if (DataFiles.ReadFully(_file, header, at) != header.Length)
        {
            return Fail($"the block at offset {at} is torn");
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length is < 1 or > HeadStateFormat.MaxBlockBytes || length > _length - at - HeadStateFormat.BlockHeader)
        {
            return Fail($"the block at offset {at} has length {length}");
        }

        if (_buffer.Length < length)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(length);
        }

        var bytes = _buffer.AsSpan(0, length);
        if (DataFiles.ReadFully(_file, bytes, at + HeadStateFormat.BlockHeader) != length
            || Crc32C.Of(bytes) != BinaryPrimitives.ReadUInt32LittleEndian(header[4..]))
        {
            return Fail($"the checksum of the block at offset {at} does not match");
        }

        content = bytes;
        return true;
    }

    private void ReadSymbols(SeriesStore store, ReadOnlySpan<byte> content)
    {
        var reader = new ByteReader(content);
        var symbol = reader.Uvarint();
        while (reader.Remaining > 0 && !reader.Failed)
        {
            var isUsed = reader.U8() != 0;
            var text = reader.Text();
            if (reader.Failed || symbol >= (ulong)_knownSymbols.Length || _knownSymbols[symbol])
            {
                reader.Fail();
                break;
            }

            if (isUsed)
            {
                store.Symbols.Restore((int)symbol, text);
                _knownSymbols[symbol] = true;
            }

            symbol++;
        }

        if (reader.Failed)
        {
            Fail("a block of symbols is malformed");
        }
    }

    private void ReadSeries(MemoryHead head, long minValidTime, ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            if (content.Length < Unsafe.SizeOf<SeriesState>())
            {
                Fail("a block of series is too short");
                return;
            }

            ref readonly var state = ref MemoryMarshal.AsRef<SeriesState>(content);
            var rest = content[Unsafe.SizeOf<SeriesState>()..];
            var sealedBytes = state.SealedCount * SealedChunk.Size;
            if (state.LabelBytes < 0 || state.ChunkBytes < 0 || (long)state.LabelBytes + sealedBytes + state.ChunkBytes > rest.Length)
            {
                Fail("a series is longer than its block");
                return;
            }

            var labels = rest[..state.LabelBytes];
            if (!AreKnown(labels))
            {
                Fail("a series has labels that are not there");
                return;
            }

            var chunks = rest.Slice(state.LabelBytes, sealedBytes);
            var open = rest.Slice(state.LabelBytes + sealedBytes, state.ChunkBytes);
            if (Keep is not null && !Keep(head.Store.LabelSetOf(labels)))
            {
                RefusedSeries++;
            }
            else if (!Add(head, in state, labels, chunks, open, minValidTime))
            {
                return;
            }

            content = rest[(state.LabelBytes + sealedBytes + state.ChunkBytes)..];
        }
    }

    private bool Add(
        MemoryHead head, ref readonly SeriesState state, ReadOnlySpan<byte> labels, ReadOnlySpan<byte> chunks, ReadOnlySpan<byte> open, long minValidTime)
    {
        ref var series = ref head.Store[head.Store.Restore(state.Reference, state.LabelHash, labels)];
        series.IsLogged = (state.Flags & SeriesState.IsLogged) != 0;
        foreach (ref readonly var chunk in MemoryMarshal.Cast<byte, SealedChunk>(chunks))
        {
            // What ended before this is in a block, and its file may be gone.
            if (chunk.MaxTime >= minValidTime)
            {
                head.Samples.AddSealed(ref series, chunk);
            }
        }

        series.LastTime = state.LastTime;
        series.SealedMaxTime = state.SealedMaxTime;
        series.IsStale = (state.Flags & SeriesState.IsStale) != 0;
        if (state.Encoding == ChunkEncoding.None || state.LastTime < minValidTime)
        {
            return true;
        }

        var xor = new XorChunkState
        {
            LastTimestamp = state.XorTimestamp,
            LastDelta = state.XorDelta,
            Value = new XorValue { Bits = state.XorBits, Leading = state.XorLeading, Trailing = state.XorTrailing },
            Count = state.XorCount,
            BitLength = state.XorBitLength,
        };
        series.ChunkMinTime = state.ChunkMinTime;
        series.NextCut = state.NextCut;
        return head.Samples.RestoreOpen(ref series, state.Encoding, in xor, open) || Fail($"the open chunk of series {state.Reference} is malformed");
    }

    private bool AreKnown(ReadOnlySpan<byte> labels)
    {
        var reader = new ByteReader(labels);
        while (reader.Remaining > 0)
        {
            var (name, value) = (reader.Uvarint(), reader.Uvarint());
            if (reader.Failed || name >= (ulong)_knownSymbols.Length || value >= (ulong)_knownSymbols.Length || !_knownSymbols[name] || !_knownSymbols[value])
            {
                return false;
            }
        }

        return labels.Length > 0;
    }

    private void ReadAliases(SeriesStore store, ReadOnlySpan<byte> content)
    {
        var reader = new ByteReader(content);
        while (reader.Remaining > 0 && !reader.Failed)
        {
            var (alias, reference) = (reader.Uvarint(), reader.Uvarint());
            if (store.Find(reference) >= 0)
            {
                store.AddAlias(alias, reference);
            }
        }

        if (reader.Failed)
        {
            Fail("the aliases are malformed");
        }
    }

    private void Finish(MemoryHead head, long minValidTime)
    {
        if (head.Store.Count + RefusedSeries != _end.Series)
        {
            Fail($"got {head.Store.Count + RefusedSeries} series, want {_end.Series}");
            return;
        }

        head.Store.Symbols.FreeUnused();
        head.Store.ObserveReference(_end.LastReference);
        if (_end.MinTime <= _end.MaxTime && _end.MaxTime >= minValidTime)
        {
            head.ObserveTime(Math.Max(_end.MinTime, minValidTime));
            head.ObserveTime(_end.MaxTime);
        }
    }

    private bool Fail(string error)
    {
        _error ??= error;
        return false;
    }
}

/// <summary>Reads a record of the log; false when it is malformed.</summary>
internal delegate bool RecordReader(ReadOnlySpan<byte> record);

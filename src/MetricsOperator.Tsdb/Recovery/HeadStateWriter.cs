using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>
/// Writes the state of a head while commits go on. The state belongs to the place of the log where it began: series are copied piece by piece,
/// later ones with later samples, which the replay of the log from that place then knows and passes over. Series must not be removed meanwhile.
/// </summary>
internal sealed class HeadStateWriter(FileLayer files, MemoryHead head, string dataDirectory)
{
    /// <summary>Series that are copied while commits wait.</summary>
    private const int Piece = 1000;

    private readonly ByteWriter _block = new(HeadStateFormat.BlockBytes + (64 * 1024));
    private readonly string _path = Path.Combine(dataDirectory, HeadStateFormat.FileName);
    private readonly string _wal = Path.Combine(dataDirectory, "wal");

    /// <summary>Writes the file in place of an older one.</summary>
    /// <returns>The place in the log, and the bytes of the file.</returns>
    /// <exception cref="StorageException">The disk refuses; an older file is still there.</exception>
    public (LogPosition Position, long Bytes) Write(CancellationToken cancellation)
    {
        var temporary = _path + HeadStateFormat.TemporarySuffix;
        files.DeleteFile(temporary);
        try
        {
            StateEnd end;
            long bytes;
            using (var file = new FileWriter(files, temporary))
            {
                end = WriteTo(file, cancellation);
                bytes = file.Position;
                file.Sync();
            }

            // What the state leaves out must be durable when the state is.
            var position = new LogPosition(end.Segment, end.Offset);
            using (var segment = files.OpenWrite(SegmentPath(position)))
            {
                files.Sync(segment);
            }

            files.SyncDirectory(_wal);
            files.MoveFile(temporary, _path);
            files.SyncDirectory(dataDirectory);
            return (position, bytes);
        }
        catch (OperationCanceledException)
        {
            files.DeleteFile(temporary);
            throw;
        }
    }

    private StateEnd WriteTo(FileWriter file, CancellationToken cancellation)
    {
        var end = new StateEnd();
        var aliases = new List<KeyValuePair<ulong, ulong>>();
        var records = new List<byte[]>();
        head.AtLogEnd(log =>
        {
            var position = log.Wal.End;
            end = new StateEnd
            {
                Segment = position.Segment,
                Offset = position.Offset,
                MinTime = head.MinTime,
                MaxTime = head.MaxTime,
                LastReference = head.Store.LastReference,
                Series = head.Store.Count,
                SymbolLimit = head.Store.Symbols.Limit,
                Pairs = head.Store.Postings.PairCount,
            };
            aliases.AddRange(head.Store.Aliases);
            records.AddRange(HeadStateRecords.Tombstones(head));
        });
        file.Write(HeadStateFormat.Magic);
        WriteSymbols(file, end.SymbolLimit, cancellation);
        end.PostingsStart = file.Position;
        WritePostings(file, end.Pairs, end.Series, cancellation);
        end.PostingsEnd = file.Position;
        WriteSeries(file, end.Series, cancellation);
        records.AddRange(HeadStateRecords.Metadata(head));
        records.AddRange(HeadStateRecords.Exemplars(head));
        foreach (var record in records)
        {
            Start(HeadStateFormat.Record);
            _block.Bytes(record);
            Finish(file);
        }

        Start(HeadStateFormat.Aliases);
        foreach (var (alias, reference) in aliases)
        {
            _block.Uvarint(alias);
            _block.Uvarint(reference);
        }

        Finish(file);
        var chunkFiles = head.ChunkFiles.MakeDurable();
        (end.Fingerprint, end.FingerprintBytes) = Fingerprint(SegmentPath(new LogPosition(end.Segment, end.Offset)), end.Offset)
            ?? throw new StorageException($"cannot read the log segment {end.Segment}");
        end.ChunkFiles = chunkFiles.Count;
        var at = file.Position;
        Start(HeadStateFormat.End);
        _block.Bytes(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in end, 1)));
        foreach (var chunkFile in chunkFiles)
        {
            _block.Bytes(MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in chunkFile, 1)));
        }

        Finish(file);
        Span<byte> trailer = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, at);
        file.Write(trailer);
        return end;
    }

    /// <summary>Checksum of the bytes of a log segment before an offset, and how many they are; null when the segment is shorter or missing.</summary>
    public static (uint Checksum, int Bytes)? Fingerprint(string path, long offset)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var segment = DataFiles.OpenRead(path);
        var length = (int)Math.Min(offset, HeadStateFormat.FingerprintBytes);
        var bytes = new byte[length];
        return RandomAccess.GetLength(segment) >= offset && DataFiles.ReadFully(segment, bytes, offset - length) == length ? (Crc32C.Of(bytes), length) : null;
    }

    private string SegmentPath(LogPosition position) => Path.Combine(_wal, WalFormat.SegmentName(position.Segment));

    private void WriteSymbols(FileWriter file, int limit, CancellationToken cancellation)
    {
        for (var first = 0; first < limit;)
        {
            cancellation.ThrowIfCancellationRequested();
            Start(HeadStateFormat.Symbols);
            _block.Uvarint((uint)first);
            var next = first;
            head.Read(h =>
            {
                for (; next < limit && _block.Length < HeadStateFormat.BlockBytes; next++)
                {
                    _block.U8(h.Store.Symbols.IsUsed(next) ? (byte)1 : (byte)0);
                    _block.Text(h.Store.Symbols.IsUsed(next) ? h.Store.Symbols.Text(next) : default);
                }

                return 0;
            });
            Finish(file);
            first = next;
        }
    }

    private void WritePostings(FileWriter file, int pairs, int series, CancellationToken cancellation)
    {
        for (var next = 0; next < pairs;)
        {
            cancellation.ThrowIfCancellationRequested();
            Start(HeadStateFormat.Postings);
            head.Read(h =>
            {
                h.Store.Postings.Write(ref next, (pairs, series), _block, HeadStateFormat.BlockBytes);
                return 0;
            });
            Finish(file);
        }
    }

    private void WriteSeries(FileWriter file, int count, CancellationToken cancellation)
    {
        for (var first = 0; first < count;)
        {
            cancellation.ThrowIfCancellationRequested();
            Start(HeadStateFormat.Series);
            var next = first;
            head.Read(h =>
            {
                for (; next < Math.Min(first + Piece, count) && _block.Length < HeadStateFormat.BlockBytes; next++)
                {
                    AddSeries(next);
                }

                return 0;
            });
            Finish(file);
            first = next;
        }
    }

    private void AddSeries(int number)
    {
        ref var series = ref head.Store[number];
        var labels = new ByteReader(head.Store.Arena.Get(series.Labels)).Text();
        var state = new SeriesState
        {
            Reference = series.Reference,
            ChunkMinTime = series.ChunkMinTime,
            LastTime = series.LastTime,
            NextCut = series.NextCut,
            SealedMaxTime = series.SealedMaxTime,
            XorTimestamp = series.Xor.LastTimestamp,
            XorDelta = series.Xor.LastDelta,
            XorBits = series.Xor.Value.Bits,
            XorLeading = series.Xor.Value.Leading,
            XorTrailing = series.Xor.Value.Trailing,
            XorBitLength = series.Xor.BitLength,
            XorCount = series.Xor.Count,
            LabelHash = series.LabelHash,
            LabelBytes = labels.Length,
            ChunkBytes = series.Encoding == Chunks.ChunkEncoding.None ? 0 : head.Samples.OpenLength(in series),
            SealedCount = series.SealedCount,
            Encoding = series.Encoding,
            Flags = (byte)((series.IsLogged ? SeriesState.IsLogged : 0) | (series.IsStale ? SeriesState.IsStale : 0)),
        };
        MemoryMarshal.Write(_block.Take(Unsafe.SizeOf<SeriesState>()), in state);
        _block.Bytes(labels);
        _block.Bytes(MemoryMarshal.AsBytes(head.Samples.SealedOf(in series)));
        if (state.ChunkBytes > 0)
        {
            head.Samples.CopyOpen(in series, _block.Take(state.ChunkBytes));
        }
    }

    private void Start(byte kind)
    {
        _block.Clear(keep: 1 << 20);
        _block.Take(HeadStateFormat.BlockHeader);
        _block.U8(kind);
    }

    private void Finish(FileWriter file)
    {
        Span<byte> header = stackalloc byte[HeadStateFormat.BlockHeader];
        var content = _block.Written[HeadStateFormat.BlockHeader..];
        BinaryPrimitives.WriteInt32LittleEndian(header, content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], Crc32C.Of(content));
        file.Write(header);
        file.Write(content);
    }
}

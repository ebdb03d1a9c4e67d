using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>Fills an empty head from a state. Whatever does not fit together is an error; the head must not be used then.</summary>
internal sealed class HeadStateReader : IDisposable
{
    /// <summary>How far ahead in a block series are looked at.</summary>
    private const int PrefetchBytes = 4096;

    private readonly HeadStateFile _file;
    private byte[] _buffer = [];
    private LabelThread? _labelThread;
    private LabelRestorer? _labels;
    private string? _error;

    private HeadStateReader(HeadStateFile file) => _file = file;

    /// <summary>Series of the state that <see cref="Keep"/> refused.</summary>
    public long RefusedSeries { get; private set; }

    /// <summary>Bytes of the file.</summary>
    public long Bytes => _file.Length;

    /// <summary>The place in the log that the state belongs to.</summary>
    public LogPosition Position => _file.Position;

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
        return HeadStateFile.Open(dataDirectory) is { } file
            ? new HeadStateReader(file) { Keep = keep, MaxHeadBytes = maxHeadBytes, OnRecord = onRecord, Progress = progress }
            : null;
    }

    /// <inheritdoc cref="HeadStateFile.Check"/>
    public string? Check(WalDirectory log) => _file.Check(log);

    /// <summary>Fills the head; <see cref="Check"/> has succeeded.</summary>
    /// <returns>What is wrong with the file; null when the head is complete.</returns>
    /// <exception cref="ReplayTooLargeException">The head does not fit into the limit.</exception>
    public string? Fill(MemoryHead head, long minValidTime, CancellationToken cancellation)
    {
        var store = head.Store;
        store.Prepare(_file.End.Series, _file.End.SymbolLimit);
        head.ChunkFiles.Adopt(_file.ChunkFiles);
        long at = HeadStateFormat.Magic.Length;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (MaxHeadBytes > 0 && head.Bytes > MaxHeadBytes)
            {
                throw new ReplayTooLargeException(head.Bytes, Math.Max(0.001, (double)at / _file.Length));
            }

            if (_file.ReadBlock(at, ref _buffer, out var content) is { } problem)
            {
                return problem;
            }

            at += HeadStateFormat.BlockHeader + content.Length;
            var kind = content[0];
            content = content[1..];
            if (kind != HeadStateFormat.Series && !EndLabels())
            {
                return _error;
            }

            switch (kind)
            {
                case HeadStateFormat.Symbols:
                    ReadSymbols(store, content);
                    break;
                case HeadStateFormat.Series:
                    ReadSeries(head, minValidTime, content.Length);
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

            Progress?.Invoke((double)at / _file.Length);
        }
    }

    public void Dispose()
    {
        _labelThread?.Dispose();
        _file.Dispose();
    }

    private void ReadSymbols(SeriesStore store, ReadOnlySpan<byte> content)
    {
        var reader = new ByteReader(content);
        var symbol = reader.Uvarint();
        while (reader.Remaining > 0 && !reader.Failed)
        {
            var isUsed = reader.U8() != 0;
            var text = reader.Text();
            if (reader.Failed || symbol >= (ulong)_file.End.SymbolLimit || (isUsed && (text.IsEmpty || store.Symbols.HasText((int)symbol))))
            {
                reader.Fail();
                break;
            }

            if (isUsed)
            {
                store.Symbols.Restore((int)symbol, text);
            }

            symbol++;
        }

        if (reader.Failed)
        {
            Fail("a block of symbols is malformed");
        }
    }

    // Series and their labels are two halves of the work; without a rule that asks for labels each has a thread.
    private void ReadSeries(MemoryHead head, long minValidTime, int length)
    {
        if (Keep is not null)
        {
            _labels ??= new LabelRestorer(head.Store.Symbols, head.Store.Postings);
            ReadSeries(head, minValidTime, _buffer.AsSpan(1, length));
            return;
        }

        _labelThread ??= new LabelThread(head.Store);
        var block = _labelThread.Add(ref _buffer, length + 1, head.Store.Count);
        ReadSeries(head, minValidTime, block.Buffer.AsSpan(1, length));
        block.Done();
    }

    // What follows the series needs their labels.
    private bool EndLabels()
    {
        var areKnown = _labelThread?.Finish() ?? _labels?.Finish() ?? true;
        _labelThread?.Dispose();
        (_labelThread, _labels) = (null, null);
        return areKnown || Fail("a series has labels that are not there");
    }

    private unsafe void ReadSeries(MemoryHead head, long minValidTime, ReadOnlySpan<byte> content)
    {
        fixed (byte* block = content)
        {
            var (at, ahead) = (0, 0);
            Prefetch(head.Store, block, content.Length, ref ahead, at);
            while (_error is null && SeriesEntry.Next(block, content.Length, ref at, out var entry))
            {
                Prefetch(head.Store, block, content.Length, ref ahead, at);
                if (Keep is null)
                {
                    Add(head, in entry, minValidTime);
                }
                else if (!Keep(head.Store.LabelSetOf(entry.Labels)))
                {
                    RefusedSeries++;
                }
                else if (!_labels!.Add(Add(head, in entry, minValidTime), entry.Labels))
                {
                    Fail("a series has labels that are not there");
                }
            }

            if (at != content.Length)
            {
                Fail("a block of series is malformed");
            }
        }
    }

    private unsafe int Add(MemoryHead head, in SeriesEntry entry, long minValidTime)
    {
        var state = entry.State;
        var number = head.Store.Restore(state->Reference, state->LabelHash, entry.Labels);
        ref var series = ref head.Store[number];
        series.IsLogged = (state->Flags & SeriesState.IsLogged) != 0;
        for (var i = 0; i < state->SealedCount; i++)
        {
            // What ended before this is in a block, and its file may be gone.
            if (entry.Sealed[i].MaxTime >= minValidTime)
            {
                head.Samples.AddSealed(ref series, entry.Sealed[i]);
            }
        }

        series.LastTime = state->LastTime;
        series.SealedMaxTime = state->SealedMaxTime;
        series.IsStale = (state->Flags & SeriesState.IsStale) != 0;
        if (state->Encoding == ChunkEncoding.None || state->LastTime < minValidTime)
        {
            return number;
        }

        var xor = new XorChunkState
        {
            LastTimestamp = state->XorTimestamp,
            LastDelta = state->XorDelta,
            Value = new XorValue { Bits = state->XorBits, Leading = state->XorLeading, Trailing = state->XorTrailing },
            Count = state->XorCount,
            BitLength = state->XorBitLength,
        };
        series.ChunkMinTime = state->ChunkMinTime;
        series.NextCut = state->NextCut;
        if (!head.Samples.RestoreOpen(ref series, state->Encoding, in xor, entry.Open))
        {
            Fail($"the open chunk of series {state->Reference} is malformed");
        }

        return number;
    }

    // Some series in advance, whose places in the hash tables are all over memory.
    private static unsafe void Prefetch(SeriesStore store, byte* content, int length, ref int ahead, int at)
    {
        while (ahead < at + PrefetchBytes && length - ahead >= sizeof(SeriesState))
        {
            var state = (SeriesState*)(content + ahead);
            store.Prefetch(state->Reference, state->LabelHash);
            var size = sizeof(SeriesState) + (long)(uint)state->LabelBytes + (state->SealedCount * SealedChunk.Size) + (uint)state->ChunkBytes;
            ahead = (int)Math.Min(length, ahead + size);
        }
    }

    private unsafe bool Add(
        MemoryHead head, SeriesState* state, ReadOnlySpan<byte> labels, SealedChunk* chunks, ReadOnlySpan<byte> open, long minValidTime)
    {
        var number = head.Store.Restore(state->Reference, state->LabelHash, labels);
        if (number < 0)
        {
            return Fail($"series {state->Reference} has labels that are not there");
        }

        ref var series = ref head.Store[number];
        series.IsLogged = (state->Flags & SeriesState.IsLogged) != 0;
        for (var i = 0; i < state->SealedCount; i++)
        {
            // What ended before this is in a block, and its file may be gone.
            if (chunks[i].MaxTime >= minValidTime)
            {
                head.Samples.AddSealed(ref series, chunks[i]);
            }
        }

        series.LastTime = state->LastTime;
        series.SealedMaxTime = state->SealedMaxTime;
        series.IsStale = (state->Flags & SeriesState.IsStale) != 0;
        if (state->Encoding == ChunkEncoding.None || state->LastTime < minValidTime)
        {
            return true;
        }

        var xor = new XorChunkState
        {
            LastTimestamp = state->XorTimestamp,
            LastDelta = state->XorDelta,
            Value = new XorValue { Bits = state->XorBits, Leading = state->XorLeading, Trailing = state->XorTrailing },
            Count = state->XorCount,
            BitLength = state->XorBitLength,
        };
        series.ChunkMinTime = state->ChunkMinTime;
        series.NextCut = state->NextCut;
        return head.Samples.RestoreOpen(ref series, state->Encoding, in xor, open) || Fail($"the open chunk of series {state->Reference} is malformed");
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
        if (head.Store.Count + RefusedSeries != _file.End.Series)
        {
            Fail($"got {head.Store.Count + RefusedSeries} series, want {_file.End.Series}");
            return;
        }

        head.Store.Symbols.FreeUnused();
        head.Store.ObserveReference(_file.End.LastReference);
        if (_file.End.MinTime <= _file.End.MaxTime && _file.End.MaxTime >= minValidTime)
        {
            head.ObserveTime(Math.Max(_file.End.MinTime, minValidTime));
            head.ObserveTime(_file.End.MaxTime);
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

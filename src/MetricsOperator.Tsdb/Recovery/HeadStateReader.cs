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
    private PostingsThread? _postings;
    private LabelRestorer? _labels;
    private LabelOrder? _order;

    /// <summary>Of the labels of all series.</summary>
    private ulong _labelSum;
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

            if (at == _file.End.PostingsStart)
            {
                StartLabels(store);
                at = _file.End.PostingsEnd;
            }

            if (_file.ReadBlock(at, ref _buffer, out var content) is { } problem)
            {
                return problem;
            }

            at += HeadStateFormat.BlockHeader + content.Length;
            if (Read(head, content[0], content[1..], minValidTime) || _error is not null)
            {
                return _error;
            }

            Progress?.Invoke((double)at / _file.Length);
        }
    }

    public void Dispose()
    {
        _postings?.Dispose();
        _file.Dispose();
    }

    // True at the end.
    private bool Read(MemoryHead head, byte kind, ReadOnlySpan<byte> content, long minValidTime)
    {
        if (kind != HeadStateFormat.Series && kind != HeadStateFormat.Symbols && !EndLabels())
        {
            return true;
        }

        switch (kind)
        {
            case HeadStateFormat.Symbols when _order is null:
                ReadSymbols(head.Store, content);
                return false;
            case HeadStateFormat.Series when _order is not null:
                ReadSeries(head, minValidTime, content);
                return false;
            case HeadStateFormat.Record:
                return (content.IsEmpty || !OnRecord(content)) && !Fail("a record is malformed");
            case HeadStateFormat.Aliases:
                ReadAliases(head.Store, content);
                return false;
            case HeadStateFormat.End:
                Finish(head, minValidTime);
                return true;
            default:
                return !Fail($"got block kind {kind} where it has no place");
        }
    }

    // A rule may leave series out, whose numbers the others get: their index is then made anew.
    private void StartLabels(SeriesStore store)
    {
        _order = new LabelOrder(store.Symbols);
        if (Keep is null)
        {
            _postings = new PostingsThread(_file, store);
        }
        else
        {
            _labels = new LabelRestorer(store.Symbols, store.Postings);
        }
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

    // What follows the series needs their labels.
    private bool EndLabels()
    {
        var (postings, labels) = (_postings, _labels);
        (_postings, _labels) = (null, null);
        if (labels is not null)
        {
            return labels.Finish() || Fail("a series has labels that are not there");
        }

        if (postings is null)
        {
            return true;
        }

        var problem = postings.Finish(out var sum);
        return problem is null ? sum == _labelSum || Fail("the index by label is not that of the series") : Fail(problem);
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
                if (!_order!.Add(entry.Labels, ref _labelSum))
                {
                    Fail("a series has labels that are not there");
                }
                else if (Keep is null)
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
        if (_order is null || head.Store.Count + RefusedSeries != _file.End.Series)
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

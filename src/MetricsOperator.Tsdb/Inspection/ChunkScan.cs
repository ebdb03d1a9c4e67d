using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>Decodes chunks to see whether they hold what is said of them.</summary>
internal static class ChunkDecoding
{
    /// <summary>Decodes everything; null when the chunk is sound, else what is wrong.</summary>
    /// <param name="encoding">Encoding of the data.</param>
    /// <param name="data">The chunk's data, sample count included.</param>
    /// <param name="minTime">Time that the first sample must have.</param>
    /// <param name="maxTime">Time that the last sample must have.</param>
    /// <param name="samples">How many samples it has.</param>
    public static string? Check(ChunkEncoding encoding, ReadOnlySpan<byte> data, long minTime, long maxTime, out int samples)
    {
        samples = encoding.SamplesOf(data);
        if (!encoding.IsKnown())
        {
            samples = 0;
            return $"got chunk encoding {(int)encoding}, want 1 to 6";
        }

        if (samples <= 0)
        {
            samples = 0;
            return "the chunk has no samples";
        }

        var range = new Times(minTime, maxTime);
        if (!encoding.IsFloat())
        {
            if (HistogramChunkReader.Open(data, encoding, samples) is not { } histograms)
            {
                return "the chunk has no histogram layout";
            }

            while (histograms.Remaining > 0)
            {
                if (histograms.Read(data, out var time) is null)
                {
                    return "the chunk ends before its last sample or is malformed";
                }

                range.Add(time);
            }

            return range.Problem();
        }

        Span<long> times = stackalloc long[128];
        Span<double> values = stackalloc double[128];
        var floats = new FloatChunkReader(encoding, samples);
        while (floats.Remaining > 0)
        {
            var count = floats.Read(data, times, values);
            if (count < 0)
            {
                return "the chunk ends before its last sample or is malformed";
            }

            foreach (var time in times[..count])
            {
                range.Add(time);
            }
        }

        return range.Problem();
    }

    private struct Times(long minTime, long maxTime)
    {
        private bool _hasAny;
        private bool _isWrong;
        private long _first;
        private long _last;

        public void Add(long time)
        {
            _isWrong |= _hasAny && time <= _last;
            _first = _hasAny ? _first : time;
            _last = time;
            _hasAny = true;
        }

        public readonly string? Problem() => _isWrong ? "samples are not in time order"
            : _first != minTime || _last != maxTime ? $"samples go from {_first} to {_last}, want {minTime} to {maxTime}"
            : null;
    }
}

/// <summary>
/// Reads the chunk files of a block in the order in which the index names the chunks, which is the order of the files, and accounts for
/// every byte: what no series names is reported.
/// </summary>
internal sealed class ChunkScan : IDisposable
{
    private const string Unreferenced = "none: no series names it; repair writes the block anew";

    private readonly List<(MappedFile File, DamageList Damages)> _files = [];
    private readonly List<long> _positions = [];
    private readonly List<long> _chunks = [];

    /// <summary>True for a file whose last chunk is damaged, so that its end is not known.</summary>
    private readonly List<bool> _isEndUnknown = [];

    /// <param name="directory">The <c>chunks</c> directory.</param>
    /// <param name="name">Its path below the data directory.</param>
    public ChunkScan(string directory, string name)
    {
        foreach (var (number, path) in DataFiles.Numbered(directory))
        {
            var damages = new DamageList(Path.Combine(name, Path.GetFileName(path)));
            var file = new MappedFile(path);
            if (number != _files.Count + 1)
            {
                damages.Add(0, $"got chunk file {number}, want {_files.Count + 1}", "the whole block", "a server leaves the block out of answers and says so in a warning");
            }

            CheckHeader(file, damages);
            _files.Add((file, damages));
            _positions.Add(ChunkSegmentWriter.HeaderBytes);
            _chunks.Add(0);
            _isEndUnknown.Add(false);
        }
    }

    public long Floats { get; private set; }

    public long Histograms { get; private set; }

    /// <summary>Bytes read so far.</summary>
    public long BytesDone => _positions.Sum();

    /// <summary>Checks a chunk; false when it cannot be used.</summary>
    /// <param name="chunk">As the index has it.</param>
    /// <param name="mayHaveGap">True if series before it were lost, whose chunks nobody names.</param>
    /// <param name="describe">Text of the series.</param>
    public bool Check(BlockChunk chunk, bool mayHaveGap, Func<string> describe)
    {
        const string Consequence = "queries that read it fail and name it; repair writes the block without it";
        var number = (int)(chunk.Reference >> 32);
        var offset = (long)(uint)chunk.Reference;
        if (number >= _files.Count)
        {
            if (_files.Count > 0)
            {
                _files[^1].Damages.Add(0, $"chunk file {number + 1} is missing", Affected(), Consequence);
            }

            return false;
        }

        var (file, damages) = _files[number];
        Account(number, offset, mayHaveGap);
        var head = new ByteReader(file.Span(offset, 11));
        var length = head.Uvarint();
        var encoding = (ChunkEncoding)head.U8();
        var start = offset + head.Position;
        if (head.Failed || length > (ulong)file.Length || start + (long)length + 4 > file.Length)
        {
            damages.Add(offset, "the file ends before the chunk does", Affected(), Consequence);
            return false;
        }

        _positions[number] = Math.Max(_positions[number], start + (long)length + 4);
        _chunks[number]++;
        var data = file.Span(start, (int)length);
        if (Crc32C.Of(file.Span(start - 1, (int)length + 1)) != new ByteReader(file.Span(start + (long)length, 4)).Be32())
        {
            // The length has no checksum of its own, so the next chunk is looked for from here.
            _positions[number] = offset;
            damages.Add(offset, "the chunk does not match its checksum", Affected(), Consequence);
            _isEndUnknown[number] = true;
            return false;
        }

        var problem = ChunkDecoding.Check(encoding, data, chunk.MinTime, chunk.MaxTime, out var samples);
        if (problem is not null)
        {
            damages.Add(offset, problem, Affected(), Consequence);
            return false;
        }

        Floats += encoding.IsFloat() ? samples : 0;
        Histograms += encoding.IsFloat() ? 0 : samples;
        return true;

        string Affected() => $"{describe()}, samples from {InspectionText.Range(chunk.MinTime, chunk.MaxTime)}";
    }

    /// <summary>Looks at what is behind the last chunk of each file, and reports the files.</summary>
    public IEnumerable<FileReport> Finish(bool mayHaveGap)
    {
        for (var i = 0; i < _files.Count; i++)
        {
            Account(i, _files[i].File.Length, mayHaveGap);
            yield return _files[i].Damages.Report(_files[i].File.Length, $"{_chunks[i]} chunks");
        }
    }

    public void Dispose()
    {
        foreach (var (file, _) in _files)
        {
            file.Dispose();
        }
    }

    private static void CheckHeader(MappedFile file, DamageList damages)
    {
        var reader = new ByteReader(file.Span(0, ChunkSegmentWriter.HeaderBytes));
        if (reader.Be32() != ChunkSegmentWriter.Magic || reader.U8() != 1)
        {
            damages.Add(0, "wrong magic number or version", "the whole block", "a server leaves the block out of answers and says so in a warning; repair writes the block anew");
            return;
        }

        var padding = reader.Bytes(3);
        if (padding.ContainsAnyExcept((byte)0))
        {
            damages.Add(5 + padding.IndexOfAnyExcept((byte)0), "padding of the header is not zero", "nothing", "none: no reader looks at it; repair writes the block anew");
        }
    }

    // What lies between the last chunk and this one must be nothing, or chunks of series that were lost.
    private void Account(int number, long offset, bool mayHaveGap)
    {
        var (file, damages) = _files[number];
        var position = _positions[number];
        if (_isEndUnknown[number])
        {
            _isEndUnknown[number] = false;
            _positions[number] = offset;
            return;
        }

        if (offset < position)
        {
            damages.Add(offset, $"the chunk begins inside the one before it, which ends at {position}", "both chunks", "queries that read it may fail; repair writes the block anew");
            return;
        }

        while (position < offset)
        {
            var head = new ByteReader(file.Span(position, 11));
            var length = head.Uvarint();
            head.U8();
            var start = position + head.Position;
            var isChunk = !head.Failed && length <= (ulong)(offset - start) && start + (long)length + 4 <= offset
                && Crc32C.Of(file.Span(start - 1, (int)length + 1)) == new ByteReader(file.Span(start + (long)length, 4)).Be32();
            if (!isChunk)
            {
                damages.Add(position, $"{offset - position} bytes between chunks belong to nothing", "nothing that is known", Unreferenced);
                break;
            }

            if (!mayHaveGap)
            {
                damages.Add(position, "no series names the chunk here", "samples of an unknown series", Unreferenced);
            }

            position = start + (long)length + 4;
        }

        _positions[number] = offset;
    }
}

using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>Reads every chunk of a chunks_head file and the zeros behind the last one.</summary>
/// <param name="path">The file.</param>
/// <param name="name">Its path below the data directory.</param>
/// <param name="newest">Newest in-order chunk of each series in the files before; kept up to date.</param>
internal sealed class HeadChunkFileScan(string path, string name, Dictionary<ulong, long> newest)
{
    private const uint Magic = 0x0130BC91;
    private const int FileHeader = 8;
    private const byte LateFlag = 0x80;
    private const int MaxRereads = 5;
    private const string Cut = "a server drops this and what follows, and takes the samples from the log; repair cuts the file here";

    /// <summary>Offset behind the last chunk in front of which nothing is damaged.</summary>
    public long GoodLength { get; private set; }

    /// <summary>True if there is damage at <see cref="GoodLength"/> that ends what a server reads.</summary>
    public bool EndsEarly { get; private set; }

    public FileReport Run(CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            var damages = new DamageList(name);
            var length = new FileInfo(path).Length;
            var written = File.GetLastWriteTimeUtc(path);
            var seen = new Dictionary<ulong, long>(newest);
            var chunks = Read(length, damages, seen, cancellation);

            // A server may be in the middle of a write; what it had not finished looks torn.
            var isStill = new FileInfo(path).Length == length && File.GetLastWriteTimeUtc(path) == written;
            if (damages.IsEmpty || isStill || attempt == MaxRereads)
            {
                foreach (var (series, time) in seen)
                {
                    newest[series] = time;
                }

                return damages.Report(length, $"{chunks} chunks");
            }
        }
    }

    private long Read(long length, DamageList damages, Dictionary<ulong, long> seen, CancellationToken cancellation)
    {
        GoodLength = 0;
        EndsEarly = false;
        if (length == 0)
        {
            // A kill between creating the file and writing to it leaves this behind.
            return 0;
        }

        var bytes = new byte[length];
        using (var file = DataFiles.OpenRead(path))
        {
            length = DataFiles.ReadFully(file, bytes, 0);
        }

        var header = new ByteReader(bytes.AsSpan(0, (int)Math.Min(FileHeader, length)));
        if (header.Be32() != Magic || header.U8() != 1)
        {
            damages.Add(0, "wrong magic number or version", "all chunks of the file and of later ones", Cut);
            EndsEarly = true;
            return 0;
        }

        var padding = header.Bytes(3);
        if (header.Failed || padding.ContainsAnyExcept((byte)0))
        {
            damages.Add(5 + Math.Max(0, padding.IndexOfAnyExcept((byte)0)), "padding of the header is not zero", "nothing", "none: no reader looks at it; repair writes zeros");
        }

        var chunks = 0;
        var position = FileHeader;
        GoodLength = position;
        while (position < length)
        {
            cancellation.ThrowIfCancellationRequested();
            var rest = bytes.AsSpan(position..(int)length);
            var nonZero = rest.IndexOfAnyExcept((byte)0);
            if (nonZero < 0)
            {
                break;
            }

            if (nonZero >= 24)
            {
                damages.Add(position + nonZero, "bytes behind the last chunk are not zero", "nothing", "none: no reader looks there; repair writes zeros");
                break;
            }

            var problem = Chunk(rest, position, seen, out var size, out var affects);
            if (problem is not null)
            {
                // Everything behind it is dropped with it: a chunk attached behind a gap would hide what the log has of the gap.
                damages.Add(position, problem, affects, Cut);
                EndsEarly = true;
                break;
            }

            position += size;
            GoodLength = position;
            chunks++;
        }

        return chunks;
    }

    private static string? Chunk(ReadOnlySpan<byte> rest, int position, Dictionary<ulong, long> seen, out int size, out string affects)
    {
        var reader = new ByteReader(rest);
        var series = reader.Be64();
        var minTime = reader.BeI64();
        var maxTime = reader.BeI64();
        var encoding = reader.U8();
        var data = reader.Text();
        var covered = reader.Position;
        var checksum = reader.Be32();
        size = reader.Position;
        affects = $"this chunk, said to be of series {series} and {InspectionText.Range(minTime, maxTime)}, and all behind it";
        if (reader.Failed)
        {
            return "the last chunk is torn";
        }

        if (Crc32C.Of(rest[..covered]) != checksum)
        {
            return "the chunk does not match its checksum";
        }

        var isLate = (encoding & LateFlag) != 0;
        var kind = (ChunkEncoding)(encoding & ~LateFlag);
        if (kind.IsKnown() && ChunkDecoding.Check(kind, data, minTime, maxTime, out _) is { } problem)
        {
            return problem;
        }

        if (!isLate && seen.TryGetValue(series, out var last) && minTime <= last)
        {
            return $"the chunk at offset {position} is not behind the one before it of series {series}";
        }

        if (!isLate)
        {
            seen[series] = maxTime;
        }

        return null;
    }
}

using System.Text.Json;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>What of a block is intact, as its index and chunk files show it.</summary>
internal sealed class BlockContent
{
    public long Series { get; set; }

    public long Chunks { get; set; }

    public long Floats { get; set; }

    public long Histograms { get; set; }

    public long MinTime { get; set; } = long.MaxValue;

    /// <summary>Newest sample.</summary>
    public long MaxTime { get; set; } = long.MinValue;

    /// <summary>True if labels, and so every intact series, can be trusted.</summary>
    public bool HasSymbols { get; set; }

    /// <summary>True if a series or chunk was found to be damaged, so that less than the block had is left.</summary>
    public bool IsIncomplete { get; set; }
}

/// <summary>Visits an intact series with those of its chunks that are intact.</summary>
internal delegate void KeptSeries(IndexScan index, uint series, List<SymbolPair> labels, List<BlockChunk> chunks);

/// <summary>Reads every byte of a block.</summary>
/// <param name="dataDirectory">Root of the database.</param>
/// <param name="directory">The block.</param>
internal sealed class BlockScan(string dataDirectory, string directory)
{
    private const string LeftOut = "a server leaves the block out of answers and says so in a warning; ";

    private readonly string _name = Path.GetRelativePath(dataDirectory, directory);

    /// <summary>What was found, once <see cref="Run"/> is done.</summary>
    public BlockContent Content { get; } = new();

    /// <summary>Reads the files.</summary>
    /// <param name="progress">Told how many bytes of the block are done.</param>
    /// <param name="keep">Told of every intact series with the chunks of it that are intact; null when nobody wants to know.</param>
    /// <param name="cancellation">Stops.</param>
    public List<FileReport> Run(Action<long>? progress, KeptSeries? keep, CancellationToken cancellation)
    {
        var reports = new List<FileReport>();
        var indexDamages = new DamageList(Path.Combine(_name, "index"));
        var indexPath = Path.Combine(directory, "index");
        using (var chunks = new ChunkScan(Path.Combine(directory, "chunks"), Path.Combine(_name, "chunks")))
        {
            if (!File.Exists(indexPath))
            {
                indexDamages.Add(0, "the file is missing", "the whole block", LeftOut + "repair cannot help");
                reports.Add(indexDamages.Report(0, "nothing"));
            }
            else
            {
                using var index = new IndexScan(indexPath, indexDamages.Add);
                ReadIndex(index, chunks, progress, keep, cancellation);
                reports.Add(indexDamages.Report(index.Length, $"{index.SeriesCount} series"));
            }

            reports.AddRange(chunks.Finish(mayHaveGap: !indexDamages.IsEmpty));
            Content.Floats = chunks.Floats;
            Content.Histograms = chunks.Histograms;
        }

        Content.IsIncomplete |= reports.Exists(r => r.Damages.Count > 0);
        reports.Add(ReadTombstones());
        reports.Insert(0, ReadMeta(isComplete: !Content.IsIncomplete));
        return reports;
    }

    private void ReadIndex(
        IndexScan index, ChunkScan chunks, Action<long>? progress, KeptSeries? keep, CancellationToken cancellation)
    {
        index.Begin();
        Content.HasSymbols = index.HasSymbols;
        var intact = new List<BlockChunk>();
        index.WalkSeries(
            (id, offset, labels, series) =>
            {
                intact.Clear();
                foreach (var chunk in series)
                {
                    if (chunks.Check(chunk, index.HasLostSeries, () => index.Describe(labels)))
                    {
                        intact.Add(chunk);
                        Content.MinTime = Math.Min(Content.MinTime, chunk.MinTime);
                        Content.MaxTime = Math.Max(Content.MaxTime, chunk.MaxTime);
                    }
                    else
                    {
                        Content.IsIncomplete = true;
                    }
                }

                Content.Series++;
                Content.Chunks += intact.Count;
                keep?.Invoke(index, id, labels, intact);
                if (Content.Series % 4096 == 0)
                {
                    progress?.Invoke(offset + chunks.BytesDone);
                }
            },
            cancellation);
        Content.IsIncomplete |= index.HasLostSeries;
        index.Finish(cancellation);
    }

    private FileReport ReadTombstones()
    {
        var path = Path.Combine(directory, Tombstones.FileName);
        var damages = new DamageList(Path.Combine(_name, Tombstones.FileName));
        if (!File.Exists(path))
        {
            return damages.Report(0, "no file, which means no deletions");
        }

        var length = new FileInfo(path).Length;
        try
        {
            return damages.Report(length, $"{Tombstones.Read(path).Count} deleted ranges");
        }
        catch (StorageException e)
        {
            damages.Add(0, e.Message, "which samples of the block are deleted", LeftOut + "repair sets the file aside, and what was deleted is back");
            return damages.Report(length, "nothing");
        }
    }

    private FileReport ReadMeta(bool isComplete)
    {
        const string Rebuilt = "repair builds it anew from the index";
        var path = Path.Combine(directory, BlockMetaFile.Name);
        var damages = new DamageList(Path.Combine(_name, BlockMetaFile.Name));
        if (!File.Exists(path))
        {
            damages.Add(0, "the file is missing", "the whole block", LeftOut + Rebuilt);
            return damages.Report(0, "nothing");
        }

        var bytes = File.ReadAllBytes(path);
        BlockMeta meta;
        try
        {
            meta = BlockMetaFile.Read(directory);
        }
        catch (StorageException e)
        {
            var line = (e.InnerException as JsonException)?.BytePositionInLine ?? 0;
            damages.Add(OffsetOfLine(bytes, (e.InnerException as JsonException)?.LineNumber ?? 0) + line, e.Message, "the whole block", LeftOut + Rebuilt);
            return damages.Report(bytes.Length, "nothing");
        }

        foreach (var (key, what) in Contradictions(meta, bytes, isComplete))
        {
            var at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes($"\"{key}\""));
            damages.Add(Math.Max(0, at), what, "the whole block", "a server believes it: times outside are not answered, and the log before the end is not replayed; " + Rebuilt);
        }

        return damages.Report(bytes.Length, $"level {meta.Compaction.Level}, {InspectionText.Range(meta.MinTime, meta.MaxTime)}");
    }

    private IEnumerable<(string Key, string What)> Contradictions(BlockMeta meta, byte[] bytes, bool isComplete)
    {
        var name = Path.GetFileName(directory);
        if (meta.Ulid != name)
        {
            yield return ("ulid", $"got ulid {meta.Ulid}, want {name}");
        }

        using var json = JsonDocument.Parse(bytes);
        foreach (var key in new[] { "ulid", "minTime", "maxTime", "stats", "compaction", "version" })
        {
            if (!json.RootElement.TryGetProperty(key, out _))
            {
                yield return (key, $"{key} is missing");
            }
        }

        if (meta.MinTime >= meta.MaxTime)
        {
            yield return ("maxTime", $"got minTime {meta.MinTime}, want less than maxTime {meta.MaxTime}");
        }

        if (Content.Chunks > 0 && Content.MinTime < meta.MinTime)
        {
            yield return ("minTime", $"got minTime {meta.MinTime}, but the oldest sample is of {Content.MinTime}");
        }

        if (Content.Chunks > 0 && Content.MaxTime >= meta.MaxTime)
        {
            yield return ("maxTime", $"got maxTime {meta.MaxTime}, but the newest sample is of {Content.MaxTime}");
        }

        if (meta.Compaction.Level < 1)
        {
            yield return ("level", $"got level {meta.Compaction.Level}, want at least 1");
        }

        var names = (meta.Compaction.Sources ?? []).Concat(meta.Compaction.Parents?.Select(p => p.Ulid) ?? []);
        foreach (var other in names.Where(n => !Ulid.IsValid(n)))
        {
            yield return ("sources", $"{other} is not the name of a block");
        }

        var stats = meta.Stats;
        var hasKinds = stats.NumFloatSamples + stats.NumHistogramSamples > 0;
        (string, long, long)[] counts =
        [
            ("numSeries", stats.NumSeries, Content.Series),
            ("numChunks", stats.NumChunks, Content.Chunks),
            ("numSamples", stats.NumSamples, Content.Floats + Content.Histograms),
            ("numFloatSamples", hasKinds ? stats.NumFloatSamples : Content.Floats, Content.Floats),
            ("numHistogramSamples", hasKinds ? stats.NumHistogramSamples : Content.Histograms, Content.Histograms),
        ];
        foreach (var (key, got, found) in counts)
        {
            if (got != found && isComplete)
            {
                yield return (key, $"got {key} {got}, but index and chunks hold {found}");
            }
        }
    }

    private static long OffsetOfLine(byte[] bytes, long line)
    {
        var offset = 0;
        for (; line > 0; line--)
        {
            var end = bytes.AsSpan(offset).IndexOf((byte)'\n');
            if (end < 0)
            {
                break;
            }

            offset += end + 1;
        }

        return offset;
    }
}

using System.Globalization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>How far a verification is.</summary>
/// <param name="File">What is being read, below the data directory.</param>
/// <param name="BytesDone">Bytes read so far, of all files.</param>
/// <param name="BytesTotal">Bytes to read.</param>
public sealed record VerifyProgress(string File, long BytesDone, long BytesTotal);

/// <summary>Reads every byte of a data directory and names each damage. Changes nothing and takes no lock, so that a server may run meanwhile.</summary>
/// <param name="path">The data directory.</param>
public sealed class DirectoryVerifier(string path)
{
    private readonly List<FileReport> _files = [];
    private readonly List<string> _ignored = [];
    private readonly List<string> _unreadable = [];
    private long _done;
    private long _total;

    /// <summary>Called with each file when it is done.</summary>
    public Action<FileReport>? FileDone { get; init; }

    /// <summary>Called as reading goes on.</summary>
    public Action<VerifyProgress>? Progress { get; init; }

    /// <summary>Reads everything.</summary>
    /// <exception cref="StorageException">The directory does not exist or cannot be listed.</exception>
    public VerifyReport Run(CancellationToken cancellation)
    {
        if (!Directory.Exists(path))
        {
            throw new StorageException($"cannot read {path}: there is no such directory");
        }

        try
        {
            _total = DataFiles.SizeOf(path);
            foreach (var block in BlockFolders.List(path).ToList())
            {
                Read(block, () =>
                {
                    var start = _done;
                    return new BlockScan(path, block).Run(done => Report(Name(block), start + done), null, cancellation);
                });
            }

            ReadLog("wal", LogKind.Wal, cancellation);
            ReadLog("wbl", LogKind.Wbl, cancellation);
            ReadHeadChunks(cancellation);
            foreach (var snapshot in Directory.EnumerateDirectories(path, "chunk_snapshot.*").Order(StringComparer.Ordinal))
            {
                ReadSegments(DataFiles.Numbered(snapshot), LogKind.Snapshot, cancellation);
            }

            Read(Path.Combine(path, Recovery.HeadStateFormat.FileName), () => HeadStateScan.Run(path, cancellation) is { } state ? [state] : []);
            NameOthers();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot read {path}: {e.Message}", e);
        }

        return new VerifyReport(_files, _ignored, _unreadable);
    }

    private string Name(string file) => Path.GetRelativePath(path, file);

    private void ReadLog(string name, LogKind kind, CancellationToken cancellation)
    {
        var directory = Path.Combine(path, name);
        var segments = DataFiles.Numbered(directory);
        var checkpoints = Wal.WalDirectory.Checkpoints(directory).OrderBy(c => c.Number).ToList();
        foreach (var (_, checkpoint) in checkpoints)
        {
            ReadSegments(DataFiles.Numbered(checkpoint), LogKind.Checkpoint, cancellation);
        }

        // What a checkpoint replaces may be gone; behind it no segment may lack.
        var from = checkpoints.Count > 0 ? checkpoints[^1].Number : -1;
        var needed = segments.FindAll(s => s.Number > from);
        if (checkpoints.Count > 0 && needed.Count > 0 && needed[0].Number != from + 1)
        {
            AddGap(needed[0].Path, from + 1);
        }

        for (var i = 1; i < needed.Count; i++)
        {
            if (needed[i].Number != needed[i - 1].Number + 1)
            {
                AddGap(needed[i].Path, needed[i - 1].Number + 1);
            }
        }

        ReadSegments(segments, kind, cancellation);
    }

    private void AddGap(string file, int missing)
    {
        var damages = new DamageList(Name(file));
        damages.Add(0, $"segment {missing.ToString("D8", CultureInfo.InvariantCulture)} is missing in front of this one", "its samples", "a server does not start; repair cannot help");
        Add(damages.Report(0, "a gap"));
    }

    private void ReadSegments(List<NumberedFile> segments, LogKind kind, CancellationToken cancellation)
    {
        foreach (var segment in segments)
        {
            Read(segment.Path, () => [new LogScan(segment.Path, Name(segment.Path), kind).Run(null, cancellation)]);
        }
    }

    private void ReadHeadChunks(CancellationToken cancellation)
    {
        var newest = new Dictionary<ulong, long>();
        var files = DataFiles.Numbered(Path.Combine(path, "chunks_head"));
        for (var i = 0; i < files.Count; i++)
        {
            var (number, file) = files[i];
            if (i > 0 && number != files[i - 1].Number + 1)
            {
                var damages = new DamageList(Name(file));
                damages.Add(0, $"file {files[i - 1].Number + 1} is missing in front of this one", "chunks of this and later files", "a server drops them and takes the samples from the log");
                Add(damages.Report(0, "a gap"));
            }

            Read(file, () => [new HeadChunkFileScan(file, Name(file), newest).Run(cancellation)]);
        }
    }

    // A file that a server deletes meanwhile is none of ours; one that the disk does not give is.
    private void Read(string file, Func<List<FileReport>> read)
    {
        Report(Name(file), _done);
        try
        {
            foreach (var report in read())
            {
                Add(report);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StorageException)
        {
            if (File.Exists(file) || Directory.Exists(file))
            {
                _unreadable.Add($"{Name(file)}: {e.Message}");
            }
        }
    }

    private void Add(FileReport report)
    {
        _files.Add(report);
        _done += report.Bytes;
        FileDone?.Invoke(report);
        Report(report.File, _done);
    }

    private void Report(string file, long done) => Progress?.Invoke(new VerifyProgress(file, Math.Min(done, _total), _total));

    private void NameOthers()
    {
        var read = _files.Select(f => f.File).ToHashSet(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Select(Name).Order(StringComparer.Ordinal))
        {
            if (read.Contains(file) || _unreadable.Exists(u => u.StartsWith(file, StringComparison.Ordinal)))
            {
                continue;
            }

            var what = file switch
            {
                "lock" => "the lock file",
                Recovery.BootJournal.FileName => "the journal of starts",
                Recovery.RescueState.FileName => "how far a bounded replay has come",
                "queries.active" => "the list of running queries",
                "query-deaths.json" => "the queries that killed the server",
                "metric-usage.json" => "which metrics were asked for",
                _ when file.Contains(".tmp", StringComparison.Ordinal) => "unfinished; the next start deletes it",
                _ when file.StartsWith("quarantine", StringComparison.Ordinal) || file.Contains(".damaged-", StringComparison.Ordinal) => "set aside by a repair",
                _ => "not part of the database",
            };
            _ignored.Add($"{file}: {what}");
        }
    }
}

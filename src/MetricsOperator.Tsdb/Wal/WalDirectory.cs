using System.Globalization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>What a log directory holds: the newest checkpoint and the segments that follow it.</summary>
/// <param name="Checkpoint">Directory of the newest checkpoint, or null.</param>
/// <param name="CheckpointNumber">Last segment that the checkpoint replaces; -1 without one.</param>
/// <param name="CheckpointSegments">The checkpoint's own segments.</param>
/// <param name="Segments">Segments behind the checkpoint, ascending.</param>
/// <param name="Obsolete">Segments that the checkpoint replaces and that a crash left behind.</param>
internal sealed record WalDirectory(
    string? Checkpoint,
    int CheckpointNumber,
    IReadOnlyList<NumberedFile> CheckpointSegments,
    IReadOnlyList<NumberedFile> Segments,
    IReadOnlyList<NumberedFile> Obsolete)
{
    /// <summary>End of the name of a copy that is to replace a damaged segment.</summary>
    public const string RepairSuffix = ".repair";

    private const string CheckpointPrefix = "checkpoint.";
    private const string TemporarySuffix = ".tmp";

    /// <summary>Number for the next segment.</summary>
    public int NextSegment => Segments.Count > 0 ? Segments[^1].Number + 1 : Math.Max(CheckpointNumber, Obsolete.Count > 0 ? Obsolete[^1].Number : -1) + 1;

    /// <summary>Lists the directory, which may not exist.</summary>
    /// <exception cref="StorageException">A segment is missing in the middle.</exception>
    public static WalDirectory List(string path)
    {
        var number = -1;
        string? checkpoint = null;
        foreach (var (candidate, candidatePath) in Checkpoints(path))
        {
            if (candidate > number)
            {
                (number, checkpoint) = (candidate, candidatePath);
            }
        }

        var all = DataFiles.Numbered(path);
        var segments = all.FindAll(s => s.Number > number);
        RequireSequence(path, segments);
        var checkpointSegments = checkpoint is null ? [] : DataFiles.Numbered(checkpoint);
        if (checkpoint is not null)
        {
            RequireSequence(checkpoint, checkpointSegments);
        }

        return new WalDirectory(checkpoint, number, checkpointSegments, segments, all.FindAll(s => s.Number <= number));
    }

    /// <summary>Removes unfinished checkpoints and copies of segments.</summary>
    public static void DeleteTemporary(FileLayer files, string path)
    {
        if (!Directory.Exists(path))
        {
            return;
        }

        foreach (var directory in Directory.EnumerateDirectories(path, CheckpointPrefix + "*" + TemporarySuffix))
        {
            files.DeleteDirectory(directory);
        }

        foreach (var copy in Directory.EnumerateFiles(path, "*" + RepairSuffix))
        {
            files.DeleteFile(copy);
        }
    }

    /// <summary>Removes a log directory without segments: Prometheus does not start on an empty one.</summary>
    public static void DeleteIfEmpty(FileLayer files, string path)
    {
        if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any())
        {
            files.DeleteDirectory(path);
        }
    }

    /// <summary>Finished checkpoints in no particular order.</summary>
    public static IEnumerable<(int Number, string Path)> Checkpoints(string path)
    {
        if (!Directory.Exists(path))
        {
            yield break;
        }

        foreach (var directory in Directory.EnumerateDirectories(path, CheckpointPrefix + "*"))
        {
            var digits = System.IO.Path.GetFileName(directory.AsSpan())[CheckpointPrefix.Length..];
            if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                yield return (number, directory);
            }
        }
    }

    private static void RequireSequence(string path, List<NumberedFile> segments)
    {
        for (var i = 1; i < segments.Count; i++)
        {
            if (segments[i].Number != segments[i - 1].Number + 1)
            {
                throw new StorageException($"cannot read log {path}: segment {segments[i - 1].Number + 1} is missing, got {segments[i].Number} next");
            }
        }
    }
}

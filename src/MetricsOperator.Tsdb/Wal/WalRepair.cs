using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>Makes a log readable again after damage in the middle: what is good stays, what follows is moved aside, never deleted.</summary>
internal static class WalRepair
{
    private const string QuarantineName = "quarantine";

    /// <summary>
    /// Cuts the segment to its good length and moves the damaged original and every later segment to <c>quarantine/</c> beside the log
    /// directory, newest first so that a crash in between leaves no gap.
    /// </summary>
    /// <returns>Bytes that are no longer part of the log.</returns>
    public static long Cut(FileLayer files, string directory, NumberedFile damaged, long goodLength, string why, ILogger logger)
    {
        var later = WalDirectory.List(directory).Segments.Where(s => s.Number > damaged.Number).Reverse().ToList();
        var damagedLength = new FileInfo(damaged.Path).Length;
        var lost = damagedLength - goodLength;

        // Every start of a crash loop leaves an empty segment: a torn tail may have some of those behind it, damage in the middle has more.
        // Its original is kept before anything else, because a repair that was interrupted does not see any more what was behind.
        if (later.Exists(s => new FileInfo(s.Path).Length > 0))
        {
            Copy(files, damaged.Path, QuarantinePath(files, directory, damaged.Path), damagedLength);
            SyncMove(files, directory);
        }

        foreach (var (_, path) in later)
        {
            var length = new FileInfo(path).Length;
            lost += length;
            if (length == 0)
            {
                files.DeleteFile(path);
                files.SyncDirectory(directory);
            }
            else
            {
                files.MoveFile(path, QuarantinePath(files, directory, path));
                SyncMove(files, directory);
            }
        }

        // The good part is copied and swapped in, so that the original exists until its replacement is durable.
        var copy = damaged.Path + WalDirectory.RepairSuffix;
        Copy(files, damaged.Path, copy, goodLength);
        files.MoveFile(copy, damaged.Path);
        files.SyncDirectory(directory);
        logger.LogWarning(
            "Log segment {Segment} is damaged at offset {Offset} ({Why}); it was cut there, {Lost} bytes are no longer part of the log",
            damaged.Path,
            goodLength,
            why,
            lost);
        return lost;
    }

    /// <summary>Cuts one segment to its good length and keeps the damaged original in <c>quarantine/</c>; segments behind it stay.</summary>
    public static void CutOne(FileLayer files, string directory, string segment, long goodLength)
    {
        var copy = segment + WalDirectory.RepairSuffix;
        Copy(files, segment, QuarantinePath(files, directory, segment), new FileInfo(segment).Length);
        SyncMove(files, directory);
        Copy(files, segment, copy, goodLength);
        files.MoveFile(copy, segment);
        files.SyncDirectory(Path.GetDirectoryName(segment)!);
    }

    private static void Copy(FileLayer files, string from, string to, long length)
    {
        using var source = DataFiles.OpenRead(from);
        using var target = files.CreateOrEmpty(to);
        var buffer = new byte[WalFormat.PageSize];
        for (long offset = 0; offset < length; offset += buffer.Length)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - offset));
            if (DataFiles.ReadFully(source, part, offset) != part.Length)
            {
                throw new StorageException($"cannot repair {from}: it became shorter than {length} bytes");
            }

            files.Write(target, part, offset);
        }

        files.Sync(target);
    }

    // Each step is durable before the next, so that a power loss leaves no gap between segments.
    private static void SyncMove(FileLayer files, string directory)
    {
        files.SyncDirectory(Path.Combine(Path.GetDirectoryName(directory)!, QuarantineName));
        files.SyncDirectory(directory);
    }

    private static string QuarantinePath(FileLayer files, string directory, string path)
    {
        var quarantine = Path.Combine(Path.GetDirectoryName(directory)!, QuarantineName);
        files.CreateDirectory(quarantine);
        files.SyncDirectory(Path.GetDirectoryName(quarantine)!);
        var name = $"{Path.GetFileName(directory)}-{Path.GetFileName(path)}";
        var target = Path.Combine(quarantine, name);
        for (var i = 1; File.Exists(target); i++)
        {
            target = Path.Combine(quarantine, $"{name}.{i}");
        }

        return target;
    }
}

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
    public static long Cut(string directory, NumberedFile damaged, long goodLength, string why, ILogger logger)
    {
        var log = WalDirectory.List(directory);
        long lost = 0;
        var isTornTail = true;
        for (var i = log.Segments.Count - 1; i >= 0 && log.Segments[i].Number > damaged.Number; i--)
        {
            var later = log.Segments[i].Path;
            var length = new FileInfo(later).Length;
            lost += length;
            if (length == 0)
            {
                // Every start of a crash loop leaves an empty segment.
                File.Delete(later);
                continue;
            }

            isTornTail = false;
            File.Move(later, QuarantinePath(directory, later));
        }

        // The good part is copied and swapped in, so that the original exists until its replacement is durable.
        var copy = damaged.Path + ".repair";
        using (var source = DataFiles.OpenRead(damaged.Path))
        using (var target = File.OpenHandle(copy, FileMode.Create, FileAccess.Write))
        {
            lost += RandomAccess.GetLength(source) - goodLength;
            var buffer = new byte[WalFormat.PageSize];
            for (long offset = 0; offset < goodLength; offset += buffer.Length)
            {
                var length = (int)Math.Min(buffer.Length, goodLength - offset);
                if (DataFiles.ReadFully(source, buffer.AsSpan(0, length), offset) != length)
                {
                    throw new StorageException($"cannot repair {damaged.Path}: it became shorter than {goodLength} bytes");
                }

                RandomAccess.Write(target, buffer.AsSpan(0, length), offset);
            }

            RandomAccess.FlushToDisk(target);
        }

        if (!isTornTail)
        {
            File.Copy(damaged.Path, QuarantinePath(directory, damaged.Path));
        }

        File.Move(copy, damaged.Path, overwrite: true);
        DataFiles.SyncDirectory(directory);
        logger.LogWarning(
            "Log segment {Segment} is damaged at offset {Offset} ({Why}); it was cut there, {Lost} bytes are no longer part of the log",
            damaged.Path,
            goodLength,
            why,
            lost);
        return lost;
    }

    private static string QuarantinePath(string directory, string path)
    {
        var quarantine = Path.Combine(Path.GetDirectoryName(directory)!, QuarantineName);
        Directory.CreateDirectory(quarantine);
        var name = $"{Path.GetFileName(directory)}-{Path.GetFileName(path)}";
        var target = Path.Combine(quarantine, name);
        for (var i = 1; File.Exists(target); i++)
        {
            target = Path.Combine(quarantine, $"{name}.{i}");
        }

        return target;
    }
}

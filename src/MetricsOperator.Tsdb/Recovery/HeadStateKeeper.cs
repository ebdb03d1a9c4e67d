using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>
/// Decides when the state of the head is written: often enough that little of the log is left to read after a death, rarely enough that it costs no more than the log
/// itself. A state that cannot be written costs the next start time and nothing else. Used by one thread at a time.
/// </summary>
internal sealed class HeadStateKeeper(TsdbOptions options, MemoryHead head)
{
    /// <summary>A log that has grown by this much is read in a fraction of a second.</summary>
    private const long LongLogBytes = 16 * 1024 * 1024;

    /// <summary>Part of what the log has grown by that it must not grow by between two looks to count as at rest.</summary>
    private const int RestDivisor = 64;

    private readonly string _path = Path.Combine(options.Path, HeadStateFormat.FileName);

    /// <summary>Bytes of the log that are not in the state, as it was at <see cref="_counted"/> bytes written.</summary>
    private long _behind;
    private long _counted;
    private long _lastSeen;
    private LogPosition? _position;

    /// <summary>Bytes of the file; 0 without one.</summary>
    public long Bytes { get; private set; }

    public long Writes { get; private set; }

    public long WritesFailed { get; private set; }

    /// <summary>Bytes of the log that a start has to read.</summary>
    public long LogBytesBehind => _behind + head.Log.Wal.BytesWritten - _counted;

    /// <summary>Tells what the start found.</summary>
    /// <param name="position">Where the state that the head came from ends; null without one.</param>
    /// <param name="bytes">Bytes of that state.</param>
    /// <param name="log">The log as it was replayed.</param>
    public void Started(LogPosition? position, long bytes, WalDirectory log)
    {
        _position = position;
        Bytes = bytes;
        var segments = position is { } start ? log.Segments.Where(s => s.Number >= start.Segment) : log.CheckpointSegments.Concat(log.Segments);
        _behind = segments.Sum(s => new FileInfo(s.Path).Length) - (position?.Offset ?? 0);
        _counted = head.Log.Wal.BytesWritten;
    }

    /// <summary>Writes the state if it is worth it. To be called every few seconds, but not while series are removed.</summary>
    /// <exception cref="OperationCanceledException">Somebody else has to work on the head; the older state stays.</exception>
    public void Look(CancellationToken cancellation)
    {
        if (head.ChunkFiles.IsDamaged)
        {
            Distrust();
            return;
        }

        var behind = LogBytesBehind;
        var atRest = behind - _lastSeen < behind / RestDivisor;
        _lastSeen = behind;
        if (behind >= options.HeadStateMinLogBytes && (atRest || behind >= Math.Max(LongLogBytes, Bytes)))
        {
            Save(cancellation);
        }
    }

    /// <summary>Writes the state; when the disk refuses, the older one stays.</summary>
    /// <exception cref="OperationCanceledException">Somebody else has to work on the head; the older state stays.</exception>
    public void Save(CancellationToken cancellation)
    {
        if (head.HasForeignLateChunks || head.ChunkFiles.IsDamaged)
        {
            return;
        }

        var written = head.Log.Wal.BytesWritten;
        var started = options.Time.GetTimestamp();
        try
        {
            (var position, Bytes) = new HeadStateWriter(options.Files, head, options.Path).Write(cancellation);
            _position = position;
            (_behind, _counted, _lastSeen) = (0, written, 0);
            Writes++;
            options.Logger.LogDebug(
                "Wrote the state of the head at {Segment}:{Offset}: {Bytes} bytes in {Seconds} s",
                position.Segment, position.Offset, Bytes, options.Time.GetElapsedTime(started).TotalSeconds);
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            WritesFailed++;
            options.Logger.LogWarning("Cannot write the state of the head, so that a start reads {Bytes} bytes of log: {Error}", LogBytesBehind, e.Message);
        }
    }

    // The next start is to look at all chunks, which it does not with a state.
    private void Distrust()
    {
        if (Bytes > 0)
        {
            options.Logger.LogError("A closed chunk of the head in {Path} cannot be read; the next start reads the whole log, which has its samples", options.Path);
            Delete();
        }
    }

    /// <summary>Writes the state before a clean stop.</summary>
    /// <exception cref="StorageException">The disk refuses to forget a state that must not be used.</exception>
    public void Stop()
    {
        if (head.ChunkFiles.IsDamaged)
        {
            Distrust();
            return;
        }

        if (LogBytesBehind >= options.HeadStateMinLogBytes)
        {
            Save(CancellationToken.None);
        }
    }

    /// <summary>Deletes the state, durably: files that it refers to are about to go.</summary>
    public void Delete()
    {
        _position = null;
        Bytes = 0;
        if (File.Exists(_path))
        {
            options.Files.DeleteFile(_path);
            options.Files.SyncDirectory(options.Path);
        }
    }

    /// <summary>Deletes the state if the log up to this segment is about to go.</summary>
    public void Truncated(int lastSegment)
    {
        if (_position is { } position && position.Segment <= lastSegment)
        {
            Delete();
        }

        _behind = 0;
        _counted = head.Log.Wal.BytesWritten;
        _lastSeen = 0;
        if (Bytes == 0)
        {
            _behind = DataFiles.SizeOf(Path.Combine(options.Path, "wal"));
        }
    }

    /// <summary>Deletes the state of a directory and one that was being written, before the directory is opened.</summary>
    public static void Delete(TsdbOptions options)
    {
        options.Files.DeleteFile(Path.Combine(options.Path, HeadStateFormat.FileName));
        options.Files.DeleteFile(Path.Combine(options.Path, HeadStateFormat.FileName + HeadStateFormat.TemporarySuffix));
        options.Files.SyncDirectory(options.Path);
    }
}

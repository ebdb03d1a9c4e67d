using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Recovery;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Compaction;

/// <summary>Deletes the oldest blocks when they are too old or when the data directory is too large. Used by one thread at a time.</summary>
internal sealed class Retention(TsdbOptions options, BlockSet blocks, string walDirectory, string lateDirectory)
{
    private readonly string _chunksDirectory = Path.Combine(options.Path, "chunks_head");
    private bool _isVolumeUnknown;

    public long TimeRetentions { get; private set; }

    public long SizeRetentions { get; private set; }

    /// <summary>One pass. Snapshots are hard links beside the data and do not count.</summary>
    /// <exception cref="StorageException">A block cannot be deleted.</exception>
    public void Apply()
    {
        var limit = LimitBytes();
        var old = blocks.Expired(options.RetentionMs, 0, 0);
        var beyond = limit > 0
            ? blocks.Expired(0, limit, DataFiles.SizeOf(walDirectory) + DataFiles.SizeOf(_chunksDirectory) + DataFiles.SizeOf(lateDirectory) + StateBytes())
            : [];
        TimeRetentions += old.Count > 0 ? 1 : 0;
        SizeRetentions += beyond.Count > 0 ? 1 : 0;

        // Both begin somewhere and go on to the oldest block, so the longer list holds the other.
        var expired = old.Count > beyond.Count ? old : beyond;
        if (expired.Count > 0)
        {
            blocks.Replace(null, expired);
            blocks.DeleteUnused();
            options.Logger.LogInformation("Retention deleted {Count} blocks", expired.Count);
        }
    }

    /// <summary>Most bytes of blocks, logs and head chunks: the lower of the limits that are set; 0 without one.</summary>
    public long LimitBytes()
    {
        var share = options.RetentionPercentage > 0 ? (long)(VolumeBytes() * (options.RetentionPercentage / 100.0)) : 0;
        return share > 0 && options.RetentionBytes > 0 ? Math.Min(share, options.RetentionBytes) : Math.Max(share, options.RetentionBytes);
    }

    private long StateBytes()
    {
        var state = new FileInfo(Path.Combine(options.Path, HeadStateFormat.FileName));
        return state.Exists ? state.Length : 0;
    }

    // A volume whose size is not known is no reason to delete anything.
    private long VolumeBytes()
    {
        try
        {
            var bytes = options.VolumeBytes?.Invoke(options.Path) ?? new DriveInfo(options.Path).TotalSize;
            _isVolumeUnknown = false;
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_isVolumeUnknown)
            {
                options.Logger.LogWarning("The size of the volume of {Path} is not known, so no share of it limits the data: {Why}", options.Path, e.Message);
                _isVolumeUnknown = true;
            }

            return 0;
        }
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>
/// How far a bounded replay has come, durable in <c>rescue.json</c>: a kill in the middle continues where it was. A partition is the series
/// whose hash leaves the partition's number when divided by the number of partitions.
/// </summary>
internal sealed record RescueState
{
    public const string FileName = "rescue.json";

    /// <summary>Most partitions; beyond it a partition is smaller than what a head needs when it is empty.</summary>
    public const int MaxPartitions = 4096;

    /// <summary>Number of partitions; a power of two.</summary>
    public required int Partitions { get; init; }

    /// <summary>Newest segment of the log when the rescue began: all up to it goes to blocks.</summary>
    public required int LastSegment { get; init; }

    /// <summary>Newest segment of the log of late samples; -1 without one.</summary>
    public required int LastLateSegment { get; init; }

    /// <summary>Newest file of chunks_head when the rescue began.</summary>
    public required int LastChunkFile { get; init; }

    /// <summary>Partitions whose samples are in blocks.</summary>
    public IReadOnlyList<int> Done { get; init; } = [];

    /// <summary>Blocks of finished partitions, to be merged in the end.</summary>
    public IReadOnlyList<string> Blocks { get; init; } = [];

    /// <summary>Starts of the partition that is under way; each but the last was killed.</summary>
    public int Attempts { get; init; }

    /// <summary>Starts that began to merge the blocks.</summary>
    public int MergeAttempts { get; init; }

    /// <summary>True once the blocks are merged, or compaction is to do it, and only the log is left to delete.</summary>
    public bool IsMerged { get; init; }

    /// <summary>The first partition that is not done; -1 when all are.</summary>
    public int Next
    {
        get
        {
            var done = Done.ToHashSet();
            for (var partition = 0; partition < Partitions; partition++)
            {
                if (!done.Contains(partition))
                {
                    return partition;
                }
            }

            return -1;
        }
    }

    /// <summary>Halves the partitions: what is done stays done.</summary>
    public RescueState Split() => this with
    {
        Partitions = Partitions * 2,
        Done = [.. Done, .. Done.Select(p => p + Partitions)],
        Attempts = 0,
    };

    /// <summary>True if a series belongs to a partition.</summary>
    public bool Holds(int partition, ulong labelHash) => (int)(labelHash % (uint)Partitions) == partition;

    /// <summary>Reads the state of a rescue that was not finished; null when there is none.</summary>
    /// <exception cref="StorageException">The file cannot be understood.</exception>
    public static RescueState? Read(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), RescueStateJson.Default.RescueState);
        }
        catch (JsonException e)
        {
            throw new StorageException($"cannot continue the rescue of {dataDirectory}: {path} is not valid: {e.Message}", e);
        }
    }

    public void Write(FileLayer files, string dataDirectory) =>
        files.WriteAtomically(Path.Combine(dataDirectory, FileName), JsonSerializer.SerializeToUtf8Bytes(this, RescueStateJson.Default.RescueState));
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RescueState))]
internal sealed partial class RescueStateJson : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>Reads and writes meta.json.</summary>
internal static class BlockMetaFile
{
    public const string Name = "meta.json";

    /// <exception cref="StorageException">The file is missing or not a version 1 description.</exception>
    public static BlockMeta Read(string blockDirectory)
    {
        var path = Path.Combine(blockDirectory, Name);
        byte[] json;
        try
        {
            json = File.ReadAllBytes(path);
        }
        catch (IOException e)
        {
            throw new StorageException($"cannot read {path}: {e.Message}", e);
        }

        return Parse(json, path);
    }

    /// <exception cref="StorageException">The bytes are not a version 1 description; the message names <paramref name="path"/>.</exception>
    internal static BlockMeta Parse(ReadOnlySpan<byte> json, string path)
    {
        try
        {
            var meta = JsonSerializer.Deserialize(json, BlockMetaJson.Default.BlockMeta);
            if (meta is not { Version: 1 })
            {
                throw new StorageException($"cannot read {path}: got version {meta?.Version}, want 1");
            }

            // A field that is not there is null after reading, whatever its type and initial value say.
            meta = meta with { Stats = meta.Stats ?? new(), Compaction = meta.Compaction ?? new() };
            return NullField(meta) is { } field ? throw new StorageException($"cannot read {path}: got null for {field}") : meta;
        }
        catch (JsonException e)
        {
            throw new StorageException($"cannot read {path}: {e.Message}", e);
        }
    }

    public static void Write(FileLayer files, string blockDirectory, BlockMeta meta) => files.WriteAtomically(
        Path.Combine(blockDirectory, Name), JsonSerializer.SerializeToUtf8Bytes(meta, BlockMetaJson.Default.BlockMeta));

    // What may not be null although JSON can say so.
    private static string? NullField(BlockMeta meta)
    {
        if (meta.Ulid is null)
        {
            return "ulid";
        }

        if (meta.Compaction.Sources is { } sources && sources.Any(s => s is null))
        {
            return "an entry of compaction.sources";
        }

        if (meta.Compaction.Hints is { } hints && hints.Any(h => h is null))
        {
            return "an entry of compaction.hints";
        }

        return meta.Compaction.Parents is { } parents && parents.Any(p => p?.Ulid is null) ? "an entry of compaction.parents or its ulid" : null;
    }
}

[JsonSourceGenerationOptions(
    WriteIndented = true, IndentCharacter = '\t', IndentSize = 1, NewLine = "\n", DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BlockMeta))]
internal sealed partial class BlockMetaJson : JsonSerializerContext;

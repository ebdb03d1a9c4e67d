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
        try
        {
            var meta = JsonSerializer.Deserialize(File.ReadAllBytes(path), BlockMetaJson.Default.BlockMeta);
            return meta is { Version: 1 } ? meta : throw new StorageException($"cannot read {path}: got version {meta?.Version}, want 1");
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            throw new StorageException($"cannot read {path}: {e.Message}", e);
        }
    }

    public static void Write(FileLayer files, string blockDirectory, BlockMeta meta) => files.WriteAtomically(
        Path.Combine(blockDirectory, Name), JsonSerializer.SerializeToUtf8Bytes(meta, BlockMetaJson.Default.BlockMeta));
}

[JsonSourceGenerationOptions(
    WriteIndented = true, IndentCharacter = '\t', IndentSize = 1, NewLine = "\n", DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BlockMeta))]
internal sealed partial class BlockMetaJson : JsonSerializerContext;

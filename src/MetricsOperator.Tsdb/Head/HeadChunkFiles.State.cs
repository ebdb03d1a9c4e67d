using System.Globalization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Recovery;

namespace MetricsOperator.Tsdb.Head;

/// <content>The files as a state of the head refers to them.</content>
internal sealed partial class HeadChunkFiles
{
    /// <summary>
    /// Opens the directory as a state of the head knows it, without reading the chunks. What was added behind the state is removed: the log
    /// that follows the state has its samples.
    /// </summary>
    public void Adopt(ReadOnlySpan<ChunkFileState> files)
    {
        fileLayer.CreateDirectory(directory);
        var known = new HashSet<int>();
        foreach (ref readonly var state in files)
        {
            known.Add(state.Number);
        }

        DeleteFrom(DataFiles.Numbered(directory).FindAll(f => !known.Contains(f.Number)), 0);
        foreach (ref readonly var state in files)
        {
            var path = PathOf(state.Number);
            var file = new ChunkFile(state.Number, fileLayer.OpenWrite(path), path) { IsCreated = true, Length = state.Length, MaxTime = state.MaxTime };
            Add(file);
            if (RandomAccess.GetLength(file.Handle) > state.Length)
            {
                fileLayer.SetLength(file.Handle, state.Length);
            }
        }
    }

    /// <summary>Waits until all chunks that were added are on the disk.</summary>
    /// <returns>The files as they are then.</returns>
    /// <exception cref="StorageException">The disk refused.</exception>
    public List<ChunkFileState> MakeDurable()
    {
        SyncCurrent();
        List<ChunkFileState> states;
        lock (_gate)
        {
            Flush();
            states = [.. _files.Where(f => f.IsCreated).Select(f => new ChunkFileState
            {
                Number = f.Number,
                Length = f.Length,
                MaxTime = f.MaxTime,
                Fingerprint = Fingerprint(f.Path, f.Length) ?? throw new StorageException($"cannot read {f.Path}"),
            })];
        }

        // What was added while the first sync waited.
        SyncCurrent();
        return states;
    }

    /// <summary>Name of a file.</summary>
    public static string NameOf(int number) => number.ToString("D6", CultureInfo.InvariantCulture);

    /// <summary>Checksum of the first bytes of a file; null when the file is missing or shorter than <paramref name="length"/>.</summary>
    public static uint? Fingerprint(string path, long length)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = DataFiles.OpenRead(path);
        Span<byte> start = stackalloc byte[(int)Math.Min(length, HeadStateFormat.ChunkFileFingerprintBytes)];
        return RandomAccess.GetLength(file) >= length && DataFiles.ReadFully(file, start, 0) == start.Length ? Crc32C.Of(start) : null;
    }
}

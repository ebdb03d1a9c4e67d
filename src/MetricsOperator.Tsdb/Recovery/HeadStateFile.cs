using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>The file of a state: its blocks, and what it belongs to.</summary>
internal sealed class HeadStateFile : IDisposable
{
    private readonly string _dataDirectory;
    private readonly SafeFileHandle _file;
    private StateEnd _end;

    private HeadStateFile(string dataDirectory, SafeFileHandle file)
    {
        _dataDirectory = dataDirectory;
        _file = file;
        Length = RandomAccess.GetLength(file);
    }

    public long Length { get; }

    /// <summary>True if it begins as a state of this version does.</summary>
    public bool HasMagic
    {
        get
        {
            Span<byte> magic = stackalloc byte[8];
            return DataFiles.ReadFully(_file, magic, 0) == magic.Length && magic.SequenceEqual(HeadStateFormat.Magic);
        }
    }

    /// <summary>What the state belongs to; valid once <see cref="Check"/> has succeeded.</summary>
    public ref readonly StateEnd End => ref _end;

    /// <summary>The files of head chunks that the state refers to.</summary>
    public ChunkFileState[] ChunkFiles { get; private set; } = [];

    /// <summary>The place in the log that the state belongs to.</summary>
    public LogPosition Position => new(_end.Segment, _end.Offset);

    /// <summary>Opens the state of a directory; null when there is none.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static HeadStateFile? Open(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, HeadStateFormat.FileName);
        return File.Exists(path) ? new HeadStateFile(dataDirectory, DataFiles.OpenRead(path)) : null;
    }

    /// <summary>Checks that the state belongs to the log and the head chunks of the directory as they are now.</summary>
    /// <returns>Why it does not; null when it does.</returns>
    public string? Check(WalDirectory log)
    {
        if (ReadEnd() is { } problem)
        {
            return problem;
        }

        if (log.Segments.FirstOrDefault(s => s.Number == _end.Segment)?.Path is not { } segment)
        {
            return $"segment {_end.Segment} of the log, where it ends, is gone";
        }

        if (HeadStateWriter.Fingerprint(segment, _end.Offset) != (_end.Fingerprint, _end.FingerprintBytes))
        {
            return $"the log is another one before offset {_end.Offset} of {segment}";
        }

        foreach (var chunkFile in ChunkFiles)
        {
            var path = Path.Combine(_dataDirectory, "chunks_head", HeadChunkFiles.NameOf(chunkFile.Number));
            if (HeadChunkFiles.Fingerprint(path, chunkFile.Length) != chunkFile.Fingerprint)
            {
                return $"{path} is another one or shorter than {chunkFile.Length} bytes";
            }
        }

        return null;
    }

    /// <summary>Reads a block.</summary>
    /// <param name="at">Its offset.</param>
    /// <param name="buffer">Holds the content; exchanged for a larger one when it is too small.</param>
    /// <param name="content">Kind and content.</param>
    /// <returns>What is wrong; null when nothing is.</returns>
    public string? ReadBlock(long at, ref byte[] buffer, out ReadOnlySpan<byte> content)
    {
        content = default;
        Span<byte> header = stackalloc byte[HeadStateFormat.BlockHeader];
        if (DataFiles.ReadFully(_file, header, at) != header.Length)
        {
            return $"the block at offset {at} is torn";
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length is < 1 or > HeadStateFormat.MaxBlockBytes || length > Length - at - HeadStateFormat.BlockHeader)
        {
            return $"the block at offset {at} has length {length}";
        }

        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, HeadStateFormat.BlockBytes * 2));
        }

        var bytes = buffer.AsSpan(0, length);
        if (DataFiles.ReadFully(_file, bytes, at + HeadStateFormat.BlockHeader) != length
            || Crc32C.Of(bytes) != BinaryPrimitives.ReadUInt32LittleEndian(header[4..]))
        {
            return $"the checksum of the block at offset {at} does not match";
        }

        content = bytes;
        return null;
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Reads what the state belongs to.</summary>
    /// <returns>What is wrong; null when nothing is.</returns>
    public string? ReadEnd()
    {
        byte[] buffer = [];
        Span<byte> trailer = stackalloc byte[8];
        if (!HasMagic)
        {
            return "wrong magic number or version";
        }

        var hasTrailer = DataFiles.ReadFully(_file, trailer, Math.Max(0, Length - 8)) == 8;
        var at = BinaryPrimitives.ReadInt64LittleEndian(trailer);
        if (!hasTrailer || at < 8 || at > Length - 8 || ReadBlock(at, ref buffer, out var content) is not null || content[0] != HeadStateFormat.End
            || at + HeadStateFormat.BlockHeader + content.Length != Length - 8)
        {
            return "it is not complete";
        }

        content = content[1..];
        if (content.Length < Unsafe.SizeOf<StateEnd>())
        {
            return "its last block is too short";
        }

        _end = MemoryMarshal.Read<StateEnd>(content);
        var files = content[Unsafe.SizeOf<StateEnd>()..];
        if (_end.ChunkFiles < 0 || files.Length != (long)_end.ChunkFiles * Unsafe.SizeOf<ChunkFileState>()
            || _end.Series < 0 || _end.Series > Length / Unsafe.SizeOf<SeriesState>() || _end.SymbolLimit < 0 || _end.SymbolLimit > Length
            || _end.Pairs < 0 || _end.Pairs > Length || _end.PostingsStart < HeadStateFormat.Magic.Length || _end.PostingsEnd < _end.PostingsStart || _end.PostingsEnd > at
            || _end.Offset < 0 || _end.FingerprintBytes != Math.Min(_end.Offset, HeadStateFormat.FingerprintBytes))
        {
            return "its last block is malformed";
        }

        ChunkFiles = MemoryMarshal.Cast<byte, ChunkFileState>(files).ToArray();
        return null;
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using MetricsOperator.Tsdb.Files;
using ZstdSharp;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>
/// Decompresses zstd frames into a reused buffer. The only type that names the zstd library, and nothing of it is inlined elsewhere, so
/// that a process loads that library with the first zstd record and not before.
/// </summary>
internal sealed class ZstdDecoder : IDisposable
{
    private const uint Magic = 0xFD2FB528;

    /// <summary>A block has at least three bytes of header and one of content, and stands for at most 128 KiB.</summary>
    private const int MinBlockBytes = 4;
    private const int MaxBlockContent = 128 * 1024;

    private readonly Decompressor _decompressor = new();

    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ZstdDecoder Create() => new();

    /// <summary>Replaces the content of <paramref name="into"/>.</summary>
    /// <returns>Null, or what is wrong: the bytes are not one frame, or stand for more than <paramref name="limit"/> bytes.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public string? Decode(ReadOnlySpan<byte> source, ByteWriter into, int limit)
    {
        into.Clear();
        if (!TryReadLength(source, out var declared))
        {
            return "record is not a zstd frame";
        }

        var most = (int)Math.Min(limit, ((source.Length / MinBlockBytes) + 1L) * MaxBlockContent);
        if (declared > (ulong)most)
        {
            return $"zstd record claims {declared} bytes, want at most {most}";
        }

        // Frames that were made as a stream do not tell their length; then the room grows with what the frame turns out to hold.
        var room = declared is { } length ? (int)length : (int)Math.Min(most, Math.Max(4096, source.Length * 8L));
        while (true)
        {
            into.Clear();
            var target = into.Take(room);
            try
            {
                if (_decompressor.TryUnwrap(source, target, out var written))
                {
                    into.Truncate(written);
                    return declared is null || written == room ? null : $"zstd record holds {written} bytes, want {room}";
                }
            }
            catch (ZstdException e)
            {
                into.Clear();
                return $"record is not a zstd frame: {e.Message}";
            }

            if (declared is not null || room == most)
            {
                into.Clear();
                return $"zstd record holds more than {room} bytes";
            }

            room = (int)Math.Min(most, room * 2L);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Dispose() => _decompressor.Dispose();

    // The frame header: magic number, descriptor, window byte unless single-segment, dictionary id, content length.
    private static bool TryReadLength(ReadOnlySpan<byte> source, out ulong? length)
    {
        length = null;
        if (source.Length < 6 || BinaryPrimitives.ReadUInt32LittleEndian(source) != Magic)
        {
            return false;
        }

        var descriptor = source[4];
        var isSingleSegment = (descriptor & 0x20) != 0;
        var idBytes = (descriptor & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 };
        var lengthBytes = (descriptor >> 6) switch { 0 => isSingleSegment ? 1 : 0, 1 => 2, 2 => 4, _ => 8 };
        var start = 5 + (isSingleSegment ? 0 : 1) + idBytes;
        if (source.Length < start + lengthBytes)
        {
            return false;
        }

        ulong value = 0;
        for (var i = lengthBytes - 1; i >= 0; i--)
        {
            value = (value << 8) | source[start + i];
        }

        length = lengthBytes switch { 0 => null, 2 => value + 256, _ => value };
        return true;
    }
}

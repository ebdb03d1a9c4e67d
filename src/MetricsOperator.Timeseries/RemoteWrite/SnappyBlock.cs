using System.Buffers;
using System.Globalization;
using System.Runtime.Intrinsics;

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>Snappy block format (not the framed one), as remote write and remote read send it.</summary>
public static class SnappyBlock
{
    private const int ShortBytes = 16;
    private const int MaxCopyBytes = 64;

    /// <summary>Decodes a block into a buffer of its own.</summary>
    /// <param name="compressed">The whole block.</param>
    /// <param name="maxBytes">Most bytes the decoded block may have.</param>
    /// <param name="decoded">The decoded bytes.</param>
    /// <param name="error">Why not, when the answer is false.</param>
    public static bool TryDecode(ReadOnlySpan<byte> compressed, int maxBytes, out byte[] decoded, out string error)
    {
        decoded = [];
        if (!TryReadLength(compressed, maxBytes, out var length, out error))
        {
            return false;
        }

        decoded = new byte[length];
        return TryDecode(compressed, decoded, out error);
    }

    /// <summary>Decodes a block into a buffer from <see cref="ArrayPool{T}.Shared"/>, which the caller returns whatever the answer is.</summary>
    /// <param name="compressed">The whole block.</param>
    /// <param name="maxBytes">Most bytes the decoded block may have.</param>
    /// <param name="pooled">The buffer; empty when it was not needed.</param>
    /// <param name="length">How much of the buffer is decoded.</param>
    /// <param name="error">Why not, when the answer is false.</param>
    public static bool TryDecodePooled(ReadOnlySpan<byte> compressed, int maxBytes, out byte[] pooled, out int length, out string error)
    {
        pooled = [];
        if (!TryReadLength(compressed, maxBytes, out length, out error))
        {
            return false;
        }

        pooled = ArrayPool<byte>.Shared.Rent(length);
        return TryDecode(compressed, pooled.AsSpan(0, length), out error);
    }

    /// <summary>Encodes a block.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> data) => data.IsEmpty ? [0] : IronSnappy.Snappy.Encode(data);

    private static bool TryReadLength(ReadOnlySpan<byte> compressed, int maxBytes, out int length, out string error)
    {
        length = 0;
        error = string.Empty;
        if (!ReadPreamble(compressed, out var declared, out _))
        {
            error = "cannot decode snappy: the block has no valid length";
            return false;
        }

        if (declared > (ulong)maxBytes)
        {
            error = string.Create(CultureInfo.InvariantCulture, $"cannot decode snappy: got a block of {declared} bytes, want at most {maxBytes}");
            return false;
        }

        // No byte of a block yields more than 64: a longer promise cannot be kept and is not worth the memory.
        if (declared > (ulong)compressed.Length * 64)
        {
            error = string.Create(CultureInfo.InvariantCulture, $"cannot decode snappy: {compressed.Length} bytes cannot hold the {declared} that they announce");
            return false;
        }

        length = (int)declared;
        return true;
    }

    private static bool ReadPreamble(ReadOnlySpan<byte> compressed, out ulong length, out int size)
    {
        length = 0;
        for (size = 0; size < compressed.Length && size < 5;)
        {
            var b = compressed[size];
            length |= (ulong)(b & 0x7F) << (7 * size);
            size++;
            if (b < 0x80)
            {
                return length <= uint.MaxValue;
            }
        }

        return false;
    }

    private static bool TryDecode(ReadOnlySpan<byte> compressed, Span<byte> destination, out string error)
    {
        ReadPreamble(compressed, out _, out var position);
        var written = 0;
        while (position < compressed.Length)
        {
            var tag = compressed[position++];
            if ((tag & 3) == 0)
            {
                if (!TryReadLiteralLength(compressed, tag, ref position, out var literal)
                    || literal > compressed.Length - position || literal > destination.Length - written)
                {
                    error = At("a literal does not fit", position);
                    return false;
                }

                CopyLiteral(compressed, position, destination, written, literal);
                position += literal;
                written += literal;
                continue;
            }

            if (!TryReadCopy(compressed, tag, ref position, out var length, out var offset)
                || offset == 0 || offset > written || length > destination.Length - written)
            {
                error = At("a copy does not fit", position);
                return false;
            }

            Repeat(destination, written, (int)offset, length);
            written += length;
        }

        error = written == destination.Length ? string.Empty : At("the block ends too early", position);
        return written == destination.Length;
    }

    private static void CopyLiteral(ReadOnlySpan<byte> compressed, int position, Span<byte> destination, int written, int length)
    {
        // Most literals are short: what is copied too much is overwritten by what comes next.
        if (length <= ShortBytes && compressed.Length - position >= ShortBytes && destination.Length - written >= ShortBytes)
        {
            Vector128.Create(compressed.Slice(position, ShortBytes)).CopyTo(destination[written..]);
            return;
        }

        compressed.Slice(position, length).CopyTo(destination[written..]);
    }

    private static void Repeat(Span<byte> destination, int written, int offset, int length)
    {
        if (offset >= ShortBytes && destination.Length - written >= MaxCopyBytes)
        {
            // No step reads what it or a later one writes; what is copied too much is overwritten by what comes next.
            var target = destination.Slice(written, MaxCopyBytes);
            var source = destination.Slice(written - offset, MaxCopyBytes);
            for (var i = 0; i < length; i += ShortBytes)
            {
                Vector128.Create(source.Slice(i, ShortBytes)).CopyTo(target[i..]);
            }

            return;
        }

        if (offset >= length)
        {
            destination.Slice(written - offset, length).CopyTo(destination[written..]);
            return;
        }

        // The copy reaches into what it writes: its bytes repeat.
        for (var i = 0; i < length; i++)
        {
            destination[written + i] = destination[written - offset + i];
        }
    }

    private static bool TryReadLiteralLength(ReadOnlySpan<byte> compressed, byte tag, ref int position, out int length)
    {
        length = (tag >> 2) + 1;
        if (length <= 60)
        {
            return true;
        }

        // 61 to 64 stand for a length in one to four bytes.
        var size = length - 60;
        if (size > compressed.Length - position)
        {
            return false;
        }

        uint value = 0;
        for (var i = 0; i < size; i++)
        {
            value |= (uint)compressed[position++] << (8 * i);
        }

        length = (int)Math.Min(value, int.MaxValue - 1) + 1;
        return true;
    }

    private static bool TryReadCopy(ReadOnlySpan<byte> compressed, byte tag, ref int position, out int length, out uint offset)
    {
        var size = (tag & 3) switch { 1 => 1, 2 => 2, _ => 4 };
        (length, offset) = (0, 0);
        if (size > compressed.Length - position)
        {
            return false;
        }

        for (var i = 0; i < size; i++)
        {
            offset |= (uint)compressed[position++] << (8 * i);
        }

        length = (tag >> 2) + 1;
        if (size == 1)
        {
            length = ((tag >> 2) & 7) + 4;
            offset |= (uint)(tag >> 5) << 8;
        }

        return true;
    }

    private static string At(string what, int position) => string.Create(CultureInfo.InvariantCulture, $"cannot decode snappy: {what} at byte {position}");
}

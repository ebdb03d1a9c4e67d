using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Decodes a float chunk in batches. A value type: it can live in the reader that owns the bytes.</summary>
internal struct XorChunkReader
{
    /// <summary>Bits of the longest sample: an escaped change of the time step and a value with its window.</summary>
    private const int MaxSampleBits = 4 + 64 + XorValue.MaxBits;

    /// <summary>Bytes that a sample and the eight bytes loaded at its last field may reach over.</summary>
    private const int SlackBytes = (MaxSampleBits / 8) + 10;

    /// <summary>Bits that eight bytes hold for sure, whatever the position in the first of them.</summary>
    private const int LoadedBits = 57;

    private readonly int _total;
    private int _read;
    private int _bitPosition;
    private long _timestamp;
    private long _delta;
    private XorValue _value;

    /// <summary>Starts at the first of <paramref name="total"/> samples.</summary>
    public XorChunkReader(int total)
    {
        _total = total;
        _bitPosition = XorChunkWriter.HeaderBytes * 8;
    }

    /// <summary>Samples that are left.</summary>
    public readonly int Remaining => _total - _read;

    /// <summary>Decodes up to the length of the spans; -1 when the bytes are not a chunk of so many samples.</summary>
    public int Read(ReadOnlySpan<byte> chunk, Span<long> timestamps, Span<double> values)
    {
        var count = Math.Min(Math.Min(timestamps.Length, values.Length), Remaining);
        var done = 0;
        for (; done < count && _read < 2; done++)
        {
            if (!ReadHead(chunk))
            {
                return -1;
            }

            timestamps[done] = _timestamp;
            values[done] = BitConverter.UInt64BitsToDouble(_value.Bits);
        }

        return done == count || ReadRest(chunk, timestamps[done..count], values[done..count]) ? count : -1;
    }

    // The first two samples are encoded in their own ways.
    private bool ReadHead(ReadOnlySpan<byte> chunk)
    {
        var reader = new BitReader(chunk, _bitPosition);
        if (_read == 0)
        {
            _timestamp = reader.Varint();
            _value.Bits = reader.Bits(64);
        }
        else
        {
            _delta = (long)reader.Uvarint();
            _timestamp += _delta;
            if (!_value.Read(ref reader))
            {
                return false;
            }
        }

        _read++;
        _bitPosition = reader.BitPosition;
        return !reader.Failed;
    }

    // The loop works on eight bytes at a time without looking for the end. Where the chunk is too short for that, it goes on in a copy with
    // zeros behind: a sample that reaches into them is noticed after it was read.
    private bool ReadRest(ReadOnlySpan<byte> chunk, Span<long> timestamps, Span<double> values)
    {
        Span<byte> padded = stackalloc byte[3 * SlackBytes];
        scoped ref var data = ref MemoryMarshal.GetReference(chunk);
        var position = _bitPosition;
        var end = (chunk.Length - SlackBytes) * 8;
        var copied = -1;
        var (timestamp, delta, value) = (_timestamp, _delta, _value);
        var i = 0;
        while (i < timestamps.Length)
        {
            if (position > end)
            {
                if (copied >= 0)
                {
                    return false;
                }

                copied = Math.Min(position >> 3, chunk.Length);
                padded.Clear();
                chunk[copied..].CopyTo(padded);
                data = ref MemoryMarshal.GetReference(padded);
                position -= copied * 8;
                end = (chunk.Length - copied) * 8;
                continue;
            }

            var word = Load(ref data, position);
            if (word >> 62 == 0)
            {
                // The same time step and value as before, in two bits each: often many of them.
                var run = Math.Min(Math.Min(BitOperations.LeadingZeroCount(word), LoadedBits) >> 1, timestamps.Length - i);
                position += run * 2;
                for (var number = BitConverter.UInt64BitsToDouble(value.Bits); run > 0; run--)
                {
                    timestamp += delta;
                    timestamps[i] = timestamp;
                    values[i++] = number;
                }

                continue;
            }

            if ((long)word >= 0)
            {
                position++;
                word <<= 1;
            }
            else
            {
                delta += ReadDod(ref data, word, ref position);
                word = Load(ref data, position);
            }

            timestamp += delta;
            if ((long)word >= 0)
            {
                position++;
            }
            else if (!ReadChange(ref data, word, ref position, ref value))
            {
                return false;
            }

            timestamps[i] = timestamp;
            values[i++] = BitConverter.UInt64BitsToDouble(value.Bits);
        }

        _bitPosition = position + (Math.Max(copied, 0) * 8);
        (_timestamp, _delta, _value) = (timestamp, delta, value);
        _read += timestamps.Length;
        return copied < 0 || position <= end;
    }

    // A value that differs from the one before; the word holds at least 56 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReadChange(ref byte data, ulong word, ref int position, ref XorValue value)
    {
        var used = 2;
        if ((word & (1UL << 62)) != 0)
        {
            value.Leading = (byte)((word >> 57) & 31);
            var window = (int)(word >> 51) & 63;
            window = window == 0 ? 64 : window;
            if (value.Leading + window > 64)
            {
                return false;
            }

            value.Trailing = (byte)(64 - value.Leading - window);
            used = 13;
        }

        var significant = 64 - value.Leading - value.Trailing;
        var bits = used + significant < LoadedBits ? (word << used) >> (64 - significant) : Bits(ref data, position + used, significant);
        value.Bits ^= bits << value.Trailing;
        position += used + significant;
        return true;
    }

    private static long ReadDod(ref byte data, ulong word, ref int position)
    {
        var ones = Math.Min(BitOperations.LeadingZeroCount(~word), 4);
        if (ones == 4)
        {
            position += 68;
            return (long)Bits(ref data, position - 64, 64);
        }

        // 14, 17 or 20 bits behind the ones and a zero.
        var size = 11 + (3 * ones);
        var bits = (word << (ones + 1)) >> (64 - size);
        position += ones + 1 + size;
        return bits > 1UL << (size - 1) ? (long)bits - (1L << size) : (long)bits;
    }

    private static ulong Bits(ref byte data, int position, int count) => count <= LoadedBits
        ? Load(ref data, position) >> (64 - count)
        : ((Load(ref data, position) >> 32) << (count - 32)) | (Load(ref data, position + 32) >> (96 - count));

    // Eight bytes from a bit position on, which the caller knows to be there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load(ref byte data, int position)
    {
        var bytes = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref data, position >> 3));
        return (BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(bytes) : bytes) << (position & 7);
    }
}

using System.Buffers.Binary;

namespace MetricsOperator.Fuzz.Engine;

/// <summary>Makes inputs from seeds: a few random edits each.</summary>
internal sealed class Mutator(FuzzRandom random, FuzzTarget target)
{
    private const int ShortSeed = 512;

    private static readonly byte[] InterestingBytes = [0x00, 0x01, 0x02, 0x03, 0x04, 0x07, 0x08, 0x0A, 0x10, 0x20, 0x40, 0x7E, 0x7F, 0x80, 0x81, 0xFE, 0xFF];

    private static readonly ulong[] InterestingNumbers =
    [
        0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0xFFFFF, 0x100000, 0x100001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000,
        0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0x8000000000000001, 0xFFFFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF0000000000002,
    ];

    private readonly List<byte[]> _seeds = [];
    private readonly List<byte[]> _shortSeeds = [];
    private byte[] _buffer = new byte[target.MaxInputBytes + 4096];
    private int _length;

    public int SeedCount => _seeds.Count;

    public void AddSeed(ReadOnlySpan<byte> seed)
    {
        var copy = seed.ToArray();
        _seeds.Add(copy);
        if (copy.Length <= ShortSeed)
        {
            _shortSeeds.Add(copy);
        }
    }

    /// <summary>The next input, valid until the next call.</summary>
    public Memory<byte> Next()
    {
        var seed = Pick();
        _length = seed.Length;
        if (_length + 4096 > _buffer.Length)
        {
            Array.Resize(ref _buffer, _length + 4096);
        }

        seed.CopyTo(_buffer, 0);
        for (var edits = 1 + random.Next(1 + random.Next(6)); edits > 0; edits--)
        {
            Edit();
        }

        _length = Math.Min(_length, Math.Max(target.MaxInputBytes, seed.Length));
        if (target.HasChecksums && random.Next(4) != 0)
        {
            target.FixChecksums(_buffer.AsSpan(0, _length));
        }

        return _buffer.AsMemory(0, _length);
    }

    private byte[] Pick() => _shortSeeds.Count > 0 && random.Next(64) != 0 ? _shortSeeds[random.Next(_shortSeeds.Count)] : _seeds[random.Next(_seeds.Count)];

    private void Edit()
    {
        if (_length == 0)
        {
            Insert(0, [(byte)random.Next()]);
            return;
        }

        var at = random.Next(_length);
        switch (random.Next(16))
        {
            case 0 or 1:
                _buffer[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                _buffer[at] = (byte)random.Next();
                break;
            case 3 or 4:
                _buffer[at] = InterestingBytes[random.Next(InterestingBytes.Length)];
                break;
            case 5:
                _buffer[at] += (byte)(random.Next(2) == 0 ? 1 + random.Next(8) : -1 - random.Next(8));
                break;
            case 6:
                OverwriteNumber(at);
                break;
            case 7:
                ReplaceByVarint(at);
                break;
            case 8:
                _length = at;
                break;
            case 9:
                Delete(at, 1 + random.Next(Math.Min(16, _length - at)));
                break;
            case 10:
                Delete(at, 1 + random.Next(_length - at));
                break;
            case 11:
                Span<byte> few = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(few, random.Next());
                Insert(at, few[..(1 + random.Next(8))]);
                break;
            case 12:
                Duplicate(at);
                break;
            case 13:
                Splice(at);
                break;
            case 14 when target.Dictionary.Count > 0:
                Insert(at, target.Dictionary[random.Next(target.Dictionary.Count)]);
                break;
            case 15 when target.Dictionary.Count > 0:
                Delete(at, 1 + random.Next(Math.Min(8, _length - at)));
                Insert(at, target.Dictionary[random.Next(target.Dictionary.Count)]);
                break;
            default:
                CopyWithin(at);
                break;
        }
    }

    private void OverwriteNumber(int at)
    {
        var value = InterestingNumbers[random.Next(InterestingNumbers.Length)];
        Span<byte> bytes = stackalloc byte[8];
        var size = 1 << random.Next(4);
        if (random.Next(4) != 0)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes, value << (64 - (size * 8)));
        }
        else
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        }

        bytes[..Math.Min(size, _length - at)].CopyTo(_buffer.AsSpan(at));
    }

    // Huge and overlong varints in the place of the one, if it is one, that is there.
    private void ReplaceByVarint(int at)
    {
        Span<byte> bytes = stackalloc byte[11];
        var count = 0;
        var value = random.Next(2) == 0 ? InterestingNumbers[random.Next(InterestingNumbers.Length)] : random.Next() >> random.Next(64);
        for (; value >= 0x80 && count < 10; value >>= 7)
        {
            bytes[count++] = (byte)(value | 0x80);
        }

        bytes[count++] = (byte)value;
        if (count < 10 && random.Next(4) == 0)
        {
            bytes[count - 1] |= 0x80;
            bytes[count++] = 0;
        }

        var old = 1;
        while (old < 10 && at + old < _length && _buffer[at + old - 1] >= 0x80)
        {
            old++;
        }

        Delete(at, old);
        Insert(at, bytes[..count]);
    }

    private void Duplicate(int at)
    {
        Span<byte> part = stackalloc byte[64];
        part = part[..(1 + random.Next(Math.Min(part.Length, _length - at)))];
        _buffer.AsSpan(at, part.Length).CopyTo(part);

        // Seldom very often: chains and nesting without end.
        for (var times = random.Next(256) == 0 ? 1 + random.Next(1024) : 1 + random.Next(3); times > 0; times--)
        {
            Insert(at, part);
        }
    }

    private void Splice(int at)
    {
        var other = Pick();
        if (other.Length == 0)
        {
            return;
        }

        var from = random.Next(other.Length);
        var part = other.AsSpan(from, 1 + random.Next(Math.Min(other.Length - from, 256)));
        if (random.Next(2) == 0)
        {
            Insert(at, part);
        }
        else
        {
            part[..Math.Min(part.Length, _length - at)].CopyTo(_buffer.AsSpan(at));
        }
    }

    private void CopyWithin(int at)
    {
        var to = random.Next(_length);
        var count = 1 + random.Next(Math.Min(32, _length - Math.Max(at, to)));
        _buffer.AsSpan(at, count).CopyTo(_buffer.AsSpan(to));
    }

    private void Insert(int at, ReadOnlySpan<byte> bytes)
    {
        if (_length + bytes.Length > Math.Min(_buffer.Length, Math.Max(target.MaxInputBytes, _length)))
        {
            return;
        }

        _buffer.AsSpan(at, _length - at).CopyTo(_buffer.AsSpan(at + bytes.Length));
        bytes.CopyTo(_buffer.AsSpan(at));
        _length += bytes.Length;
    }

    private void Delete(int at, int count)
    {
        count = Math.Min(count, _length - at);
        _buffer.AsSpan(at + count, _length - at - count).CopyTo(_buffer.AsSpan(at));
        _length -= count;
    }
}

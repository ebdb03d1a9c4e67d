using System.Numerics;

namespace MetricsOperator.Tsdb.Tests.Encoders;

/// <summary>Chunks of encodings 2 to 6, bit by bit. Start timestamps of 0 are none.</summary>
internal static class ChunkEncoder
{
    private const ulong Stale = 0x7FF0000000000002;

    /// <summary>Encoding 4.</summary>
    public static byte[] Xor2((long St, long T, double V)[] samples)
    {
        var starts = new Starts(samples.Select(s => (s.St, s.T)).ToArray());
        var bits = new BitString().Be16(samples.Length).U8(starts.Header);
        var value = new Xor(0);
        for (var i = 0; i < samples.Length; i++)
        {
            var t = samples[i].T;
            var v = BitConverter.DoubleToUInt64Bits(samples[i].V);
            if (i == 0)
            {
                bits.Varint(t).Bits(v, 64);
                value = new Xor(v == Stale ? 0 : v);
            }
            else if (i == 1)
            {
                bits.Uvarint((ulong)(t - samples[0].T));
                Value2(bits, value, v);
            }
            else
            {
                Joint(bits, value, Dod(samples.Select(s => s.T).ToArray(), i), v);
            }

            starts.Write(bits, i);
        }

        return bits.ToBytes();
    }

    /// <summary>Encodings 2 and 3, or with start timestamps 5 and 6.</summary>
    /// <param name="samples">All with the layout of the first; stale ones at the end.</param>
    /// <param name="flags">0 unknown, 1 no counter reset, 2 counter reset, 3 gauge.</param>
    /// <param name="withStarts">Whether start timestamps are written.</param>
    public static byte[] Histograms((long St, long T, RawHistogram H)[] samples, int flags, bool withStarts)
    {
        var starts = new Starts(samples.Select(s => (s.St, s.T)).ToArray());
        var bits = new BitString();
        if (withStarts)
        {
            bits.Bits((ulong)flags, 2).Bits((ulong)samples.Length, 14).U8(starts.Header);
        }
        else
        {
            bits.Be16(samples.Length).Bits((ulong)flags, 2).Bits(0, 6);
        }

        Layout(bits, samples[0].H);
        var columns = samples[0].H.IsFloat ? FloatColumns(samples[0].H) : null;
        var sum = new Xor(BitConverter.DoubleToUInt64Bits(samples[0].H.Sum));
        for (var i = 0; i < samples.Length; i++)
        {
            var h = samples[i].H;
            bits.Varbit(i == 0 ? samples[0].T : Dod(samples.Select(s => s.T).ToArray(), i));
            if (columns is not null)
            {
                Floats(bits, columns, h, isFirst: i == 0);
            }
            else if (i == 0)
            {
                bits.Uvarbit(h.Count).Uvarbit(h.ZeroCount).F64(h.Sum);
                foreach (var bucket in h.PositiveBuckets.Concat(h.NegativeBuckets))
                {
                    bits.Varbit(bucket);
                }
            }
            else
            {
                Integers(bits, sum, samples.Select(s => s.H).ToArray(), i);
            }

            if (withStarts)
            {
                starts.Write(bits, i);
            }
        }

        return bits.ToBytes();
    }

    private static long Dod(long[] times, int i) => times[i] - times[i - 1] - (i > 1 ? times[i - 1] - times[i - 2] : 0);

    private static void Joint(BitString bits, Xor value, long dod, ulong v)
    {
        if (dod == 0)
        {
            if (v == Stale)
            {
                bits.Code("11111");
            }
            else if (v == value.Last)
            {
                bits.Code("0");
            }
            else
            {
                value.Change(bits.Code("10"), v, inWindow: "0", newWindow: "1");
            }

            return;
        }

        _ = dod switch
        {
            >= -4096 and <= 4095 => bits.Code("110").Bits((ulong)dod, 13),
            >= -524288 and <= 524287 => bits.Code("1110").Bits((ulong)dod, 20),
            _ => bits.Code("11110").Bits((ulong)dod, 64),
        };
        Value2(bits, value, v);
    }

    private static void Value2(BitString bits, Xor value, ulong v)
    {
        if (v == Stale)
        {
            bits.Code("111");
        }
        else if (v == value.Last)
        {
            bits.Code("0");
        }
        else
        {
            value.Change(bits, v, inWindow: "10", newWindow: "110");
        }
    }

    private static void Layout(BitString bits, RawHistogram h)
    {
        var exponent = Math.Log2(h.ZeroThreshold);
        if (h.ZeroThreshold == 0)
        {
            bits.U8(0);
        }
        else if (exponent == Math.Round(exponent) && exponent is >= -243 and <= 10)
        {
            bits.U8((int)exponent + 1 + 243);
        }
        else
        {
            bits.U8(255).F64(h.ZeroThreshold);
        }

        bits.Varbit(h.Schema);
        foreach (var spans in new[] { h.Positive, h.Negative })
        {
            bits.Uvarbit((ulong)spans.Length);
            foreach (var (offset, length) in spans)
            {
                bits.Uvarbit(length).Varbit(offset);
            }
        }

        if (!h.IsCustom)
        {
            return;
        }

        bits.Uvarbit((ulong)h.Bounds.Length);
        foreach (var bound in h.Bounds)
        {
            var thousandths = Math.Round(bound * 1000);
            _ = thousandths / 1000 == bound ? bits.Uvarbit((ulong)thousandths + 1) : bits.Uvarbit(0).F64(bound);
        }
    }

    private static void Integers(BitString bits, Xor sum, RawHistogram[] all, int i)
    {
        var h = all[i];
        bits.Varbit(h.IsStale ? 0 : Change(x => (long)x.Count)).Varbit(h.IsStale ? 0 : Change(x => (long)x.ZeroCount));
        sum.Write(bits, BitConverter.DoubleToUInt64Bits(h.Sum));
        if (h.IsStale)
        {
            return;
        }

        for (var b = 0; b < h.PositiveBuckets.Length; b++)
        {
            bits.Varbit(Change(x => x.PositiveBuckets[b]));
        }

        for (var b = 0; b < h.NegativeBuckets.Length; b++)
        {
            bits.Varbit(Change(x => x.NegativeBuckets[b]));
        }

        long Change(Func<RawHistogram, long> of) => of(all[i]) - of(all[i - 1]) - (i > 1 ? of(all[i - 1]) - of(all[i - 2]) : 0);
    }

    private static List<Xor> FloatColumns(RawHistogram h) =>
    [
        new(h.Count), new(h.ZeroCount), new(BitConverter.DoubleToUInt64Bits(h.Sum)),
        .. h.PositiveBuckets.Concat(h.NegativeBuckets).Select(b => new Xor((ulong)b)),
    ];

    private static void Floats(BitString bits, List<Xor> columns, RawHistogram h, bool isFirst)
    {
        ulong[] values =
            [h.Count, h.ZeroCount, BitConverter.DoubleToUInt64Bits(h.Sum), .. h.PositiveBuckets.Concat(h.NegativeBuckets).Select(b => (ulong)b)];
        for (var i = 0; i < values.Length; i++)
        {
            if (isFirst)
            {
                bits.Bits(values[i], 64);
            }
            else
            {
                columns[i].Write(bits, values[i]);
            }
        }
    }

    /// <summary>A column of values, each as the XOR with the last, in a window of significant bits.</summary>
    private sealed class Xor(ulong first)
    {
        private (int Leading, int Trailing)? _window;

        public ulong Last { get; private set; } = first;

        public void Write(BitString bits, ulong value)
        {
            if (value == Last)
            {
                bits.Code("0");
            }
            else
            {
                Change(bits, value, inWindow: "10", newWindow: "11");
            }
        }

        public void Change(BitString bits, ulong value, string inWindow, string newWindow)
        {
            var xor = value ^ Last;
            Last = value;
            var leading = Math.Min(31, BitOperations.LeadingZeroCount(xor));
            var trailing = BitOperations.TrailingZeroCount(xor);
            if (_window is { } window && leading >= window.Leading && trailing >= window.Trailing)
            {
                bits.Code(inWindow).Bits(xor >> window.Trailing, 64 - window.Leading - window.Trailing);
                return;
            }

            _window = (leading, trailing);
            var significant = 64 - leading - trailing;
            bits.Code(newWindow).Bits((ulong)leading, 5).Bits((ulong)(significant == 64 ? 0 : significant), 6).Bits(xor >> trailing, significant);
        }
    }

    /// <summary>The start timestamps behind the samples.</summary>
    private sealed class Starts
    {
        private readonly (long St, long T)[] _samples;
        private readonly int _from;

        public Starts((long St, long T)[] samples)
        {
            _samples = samples;
            for (var i = 1; i < samples.Length && _from == 0; i++)
            {
                if (samples[i].St != samples[i - 1].St || i == 127)
                {
                    _from = i;
                }
            }
        }

        public int Header => (_samples[0].St != 0 ? 0x80 : 0) | _from;

        public void Write(BitString bits, int i)
        {
            if (i == 0)
            {
                if (_samples[0].St != 0)
                {
                    bits.Varint(_samples[0].T - _samples[0].St);
                }
            }
            else if (_from > 0 && i == _from)
            {
                bits.Varbit(Distance(i));
            }
            else if (_from > 0 && i > _from)
            {
                bits.Varbit(Distance(i) - Distance(i - 1));
            }
        }

        private long Distance(int i) => _samples[i - 1].T - _samples[i].St;
    }
}

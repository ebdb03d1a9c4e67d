namespace MetricsOperator.Tsdb.Tests.Encoders;

/// <summary>A sample of a log record: a float, or a histogram if there is one.</summary>
internal readonly record struct RawSample(ulong Ref, long T, long St, double V, RawHistogram? H = null);

/// <summary>Log records, byte by byte.</summary>
internal static class RecordEncoder
{
    public static byte[] Series(params (ulong Ref, (string Name, string Value)[] Labels)[] series)
    {
        var bits = new BitString().U8(1);
        foreach (var (reference, labels) in series)
        {
            bits.Be64(reference).Uvarint((ulong)labels.Length);
            foreach (var (name, value) in labels)
            {
                bits.Text(name).Text(value);
            }
        }

        return bits.ToBytes();
    }

    /// <summary>Types 2 and 7 to 10: all samples relative to a base, by default the first one.</summary>
    /// <param name="type">Type byte.</param>
    /// <param name="samples">Entries.</param>
    /// <param name="withBounds">False for the custom histograms of Prometheus 3.0 and 3.1, which lack their bounds.</param>
    /// <param name="baseSample">A sample that gives the base and is not in the record.</param>
    public static byte[] Version1(int type, RawSample[] samples, bool withBounds = true, RawSample? baseSample = null)
    {
        var bits = new BitString().U8(type);
        if (samples.Length == 0)
        {
            return bits.ToBytes();
        }

        var first = baseSample ?? samples[0];
        bits.Be64(first.Ref).Be64((ulong)first.T);
        foreach (var sample in samples)
        {
            bits.Varint((long)(sample.Ref - first.Ref)).Varint(sample.T - first.T);
            Value(bits, sample, withBounds);
        }

        return bits.ToBytes();
    }

    /// <summary>Types 11 to 13: the first sample in full, the others relative to the one before (reference) or the first (times).</summary>
    public static byte[] Version2(int type, RawSample[] samples)
    {
        var bits = new BitString().U8(type);
        for (var i = 0; i < samples.Length; i++)
        {
            var sample = samples[i];
            if (i == 0)
            {
                bits.Varint((long)sample.Ref).Varint(sample.T).Varint(sample.St);
            }
            else
            {
                bits.Varint((long)(sample.Ref - samples[i - 1].Ref)).Varint(sample.T - samples[0].T);
                if (sample.St == 0)
                {
                    bits.U8(0);
                }
                else if (sample.St == samples[i - 1].St)
                {
                    bits.U8(1);
                }
                else
                {
                    bits.U8(2).Varint(sample.St - samples[0].St);
                }
            }

            Value(bits, sample, withBounds: true);
        }

        return bits.ToBytes();
    }

    /// <summary>Type 6, each with the fields given.</summary>
    public static byte[] Metadata(ulong reference, int type, params (string Name, string Value)[] fields)
    {
        var bits = new BitString().U8(6).Uvarint(reference).U8(type).Uvarint((ulong)fields.Length);
        foreach (var (name, value) in fields)
        {
            bits.Text(name).Text(value);
        }

        return bits.ToBytes();
    }

    /// <summary>Type 5.</summary>
    public static byte[] Markers(params (ulong Ref, ulong Chunk)[] markers)
    {
        var bits = new BitString().U8(5);
        foreach (var (reference, chunk) in markers)
        {
            bits.Be64(reference).Be64(chunk);
        }

        return bits.ToBytes();
    }

    private static void Value(BitString bits, RawSample sample, bool withBounds)
    {
        if (sample.H is { } histogram)
        {
            Histogram(bits, histogram, withBounds);
        }
        else
        {
            bits.F64(sample.V);
        }
    }

    private static void Histogram(BitString bits, RawHistogram h, bool withBounds)
    {
        bits.U8(h.Hint).Varint(h.Schema).F64(h.ZeroThreshold);
        if (h.IsFloat)
        {
            bits.Be64(h.ZeroCount).Be64(h.Count);
        }
        else
        {
            bits.Uvarint(h.ZeroCount).Uvarint(h.Count);
        }

        bits.F64(h.Sum);
        foreach (var spans in new[] { h.Positive, h.Negative })
        {
            bits.Uvarint((ulong)spans.Length);
            foreach (var (offset, length) in spans)
            {
                bits.Varint(offset).Uvarint(length);
            }
        }

        foreach (var buckets in new[] { h.PositiveBuckets, h.NegativeBuckets })
        {
            bits.Uvarint((ulong)buckets.Length);
            foreach (var bucket in buckets)
            {
                _ = h.IsFloat ? bits.Be64((ulong)bucket) : bits.Varint(bucket);
            }
        }

        if (h.IsCustom && withBounds)
        {
            bits.Uvarint((ulong)h.Bounds.Length);
            foreach (var bound in h.Bounds)
            {
                bits.F64(bound);
            }
        }
    }
}

using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>The value of one series of an instrument. Updates are lock-free; a reader sees each number whole.</summary>
internal abstract class MetricCell(byte[] labels)
{
    /// <summary>Labels as text without braces.</summary>
    public byte[] Labels { get; } = labels;

    /// <summary>The collection in which an observable instrument reported this series last.</summary>
    public long LastCollection { get; set; }

    public abstract void Record(double value, bool adds);

    public abstract void WriteTo(MetricsTextWriter writer, ReadOnlySpan<byte> name);

    /// <summary>Adds to a double that several threads change.</summary>
    protected static void Add(ref double location, double value)
    {
        var seen = Volatile.Read(ref location);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref location, seen + value, seen);
            if (BitConverter.DoubleToInt64Bits(before) == BitConverter.DoubleToInt64Bits(seen))
            {
                return;
            }

            seen = before;
        }
    }
}

/// <summary>A counter or gauge.</summary>
internal sealed class ScalarCell(byte[] labels) : MetricCell(labels)
{
    private double _value;

    public override void Record(double value, bool adds)
    {
        if (adds)
        {
            Add(ref _value, value);
        }
        else
        {
            Volatile.Write(ref _value, value);
        }
    }

    public override void WriteTo(MetricsTextWriter writer, ReadOnlySpan<byte> name) =>
        writer.Rendered(name, default, Labels, default, Volatile.Read(ref _value));
}

/// <summary>A classic histogram.</summary>
internal sealed class HistogramCell(byte[] labels, double[] bounds) : MetricCell(labels)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    public override void Record(double value, bool adds)
    {
        var bucket = 0;
        while (bucket < bounds.Length && !(value <= bounds[bucket]))
        {
            bucket++;
        }

        Interlocked.Increment(ref _counts[bucket]);
        Add(ref _sum, value);
    }

    public override void WriteTo(MetricsTextWriter writer, ReadOnlySpan<byte> name)
    {
        Span<byte> bound = stackalloc byte[FloatText.MaxLength];
        var count = 0L;
        for (var i = 0; i < _counts.Length; i++)
        {
            count += Volatile.Read(ref _counts[i]);
            var length = FloatText.Format(i < bounds.Length ? bounds[i] : double.PositiveInfinity, bound);
            writer.Rendered(name, "_bucket"u8, Labels, bound[..length], count);
        }

        writer.Rendered(name, "_sum"u8, Labels, default, Volatile.Read(ref _sum));
        writer.Rendered(name, "_count"u8, Labels, default, count);
    }
}

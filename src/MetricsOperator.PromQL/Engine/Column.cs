using System.Buffers;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine;

/// <summary>
/// One series over all steps of a frame. At each step it has a float (bit in <see cref="Present"/>), a histogram, or nothing.
/// A column has one owner, who may change it in place, hand it on, or release it.
/// </summary>
internal sealed class Column
{
    private const int PooledFrom = 65;

    private double[]? _values;

    public StepMask Present;

    public Column(LabelSet labels, int steps, bool dropName = false)
    {
        Labels = labels;
        Steps = steps;
        DropName = dropName;
        _values = steps >= PooledFrom ? ArrayPool<double>.Shared.Rent(steps) : new double[steps];
        Present = new StepMask(steps);
    }

    public int Steps { get; }

    public LabelSet Labels { get; set; }

    /// <summary>The reserved labels are gone (or go at the end of the query, when name removal is delayed).</summary>
    public bool DropName { get; set; }

    /// <summary>Samples charged to the query's budget for this column.</summary>
    public long Charged { get; set; }

    /// <summary>Bytes charged for it.</summary>
    public long ChargedBytes { get; set; }

    /// <summary>Floats by step; what is not in <see cref="Present"/> has no meaning.</summary>
    public Span<double> Values => _values.AsSpan(0, Steps);

    /// <summary>Histograms by step, or null when the column has none.</summary>
    public FloatHistogram?[]? Histograms { get; private set; }

    public bool IsEmpty => Present.IsEmpty && (Histograms is null || Array.TrueForAll(Histograms, h => h is null));

    public void Set(int step, double value)
    {
        _values![step] = value;
        Present.Set(step);
    }

    public void Set(int step, FloatHistogram histogram)
    {
        Histograms ??= new FloatHistogram?[Steps];
        Histograms[step] = histogram;
    }

    public FloatHistogram? HistogramAt(int step) => Histograms?[step];

    public bool Has(int step) => Present[step] || Histograms?[step] is not null;

    public void Clear(int step)
    {
        Present.Clear(step);
        if (Histograms is not null)
        {
            Histograms[step] = null;
        }
    }

    public void DropHistograms() => Histograms = null;

    /// <summary>Steps with a float or a histogram.</summary>
    public StepMask Occupied()
    {
        var mask = new StepMask(Steps);
        mask.Or(Present);
        if (Histograms is not null)
        {
            for (var i = 0; i < Steps; i++)
            {
                if (Histograms[i] is not null)
                {
                    mask.Set(i);
                }
            }
        }

        return mask;
    }

    /// <summary>Keeps only the steps of a mask.</summary>
    public void Keep(in StepMask mask)
    {
        Present.And(mask);
        if (Histograms is not null)
        {
            for (var i = 0; i < Steps; i++)
            {
                if (!mask[i])
                {
                    Histograms[i] = null;
                }
            }
        }
    }

    /// <summary>Removes the steps of a mask.</summary>
    public void Remove(in StepMask mask)
    {
        Present.AndNot(mask);
        if (Histograms is not null)
        {
            for (var i = 0; i < Steps; i++)
            {
                if (mask[i])
                {
                    Histograms[i] = null;
                }
            }
        }
    }

    /// <summary>What the column costs: a float counts one, a histogram by its size.</summary>
    public long Weight()
    {
        long weight = Present.Count;
        if (Histograms is not null)
        {
            foreach (var histogram in Histograms)
            {
                weight += histogram is null ? 0 : HistogramWeight(histogram);
            }
        }

        return weight;
    }

    /// <summary>Bytes of memory, the labels included.</summary>
    public long Bytes()
    {
        // The objects themselves with their headers, and a bit by step.
        var bytes = 192L + Labels.Encoded.Length + (Steps / 8) + ((long)Steps * sizeof(double));
        if (Histograms is not null)
        {
            bytes += (long)Steps * 8;
            foreach (var histogram in Histograms)
            {
                bytes += histogram is null ? 0 : HistogramWeight(histogram) * SampleBudget.SampleBytes;
            }
        }

        return bytes;
    }

    public static long HistogramWeight(FloatHistogram histogram)
    {
        var bytes = 168
            + (8 * (histogram.PositiveSpans.Length + histogram.NegativeSpans.Length))
            + (8 * (histogram.PositiveBuckets.Length + histogram.NegativeBuckets.Length + histogram.CustomValues.Length));
        return (bytes + 8) / 16;
    }

    /// <summary>Gives the buffers back; the column must not be used afterwards.</summary>
    public void Release()
    {
        if (_values is not null && Steps >= PooledFrom)
        {
            ArrayPool<double>.Shared.Return(_values);
        }

        _values = null;
    }
}

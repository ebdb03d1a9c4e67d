using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Histograms;

/// <summary>
/// Buckets of one sign as sorted indexes with counts. Arithmetic works on runs, because spans are only an encoding: two histograms
/// with the same buckets may have different spans.
/// </summary>
internal sealed class BucketRun
{
    private readonly List<int> _indexes = [];
    private readonly List<double> _counts = [];

    public int Length => _indexes.Count;

    public int Index(int position) => _indexes[position];

    public double Count(int position) => _counts[position];

    /// <summary>Reads spans; a positive <paramref name="shift"/> lowers the resolution by that many schema steps.</summary>
    public static BucketRun Of(BucketSpan[] spans, double[] buckets, int shift = 0)
    {
        var run = new BucketRun();
        var index = 0;
        var bucket = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (var i = 0; i < span.Length && bucket < buckets.Length; i++, index++, bucket++)
            {
                run.Append(shift == 0 ? index : ((index - 1) >> shift) + 1, buckets[bucket]);
            }
        }

        return run;
    }

    /// <summary>Adds <paramref name="factor"/> times another run; buckets that <paramref name="skip"/> names stay out.</summary>
    public BucketRun Plus(BucketRun other, double factor, Func<int, bool> skip)
    {
        var sum = new BucketRun();
        int a = 0, b = 0;
        while (a < Length || b < other.Length)
        {
            if (b >= other.Length || (a < Length && _indexes[a] < other._indexes[b]))
            {
                sum.Append(_indexes[a], _counts[a]);
                a++;
            }
            else if (skip(other._indexes[b]))
            {
                b++;
            }
            else if (a < Length && _indexes[a] == other._indexes[b])
            {
                sum.Append(_indexes[a], _counts[a] + (factor * other._counts[b]));
                a++;
                b++;
            }
            else
            {
                sum.Append(other._indexes[b], factor * other._counts[b]);
                b++;
            }
        }

        return sum;
    }

    /// <summary>The buckets that a test keeps.</summary>
    public BucketRun Where(Func<int, bool> keep)
    {
        var kept = new BucketRun();
        for (var i = 0; i < Length; i++)
        {
            if (keep(_indexes[i]))
            {
                kept.Append(_indexes[i], _counts[i]);
            }
        }

        return kept;
    }

    /// <summary>Writes the populated buckets as spans.</summary>
    public (BucketSpan[] Spans, double[] Buckets) ToSpans()
    {
        var spans = new List<BucketSpan>();
        var buckets = new List<double>(Length);
        var end = 0;
        for (var i = 0; i < Length; i++)
        {
            if (_counts[i] == 0)
            {
                continue;
            }

            if (spans.Count > 0 && _indexes[i] == end)
            {
                spans[^1] = spans[^1] with { Length = spans[^1].Length + 1 };
            }
            else
            {
                spans.Add(new BucketSpan(_indexes[i] - end, 1));
            }

            end = _indexes[i] + 1;
            buckets.Add(_counts[i]);
        }

        return ([.. spans], [.. buckets]);
    }

    private void Append(int index, double count)
    {
        if (_indexes.Count > 0 && _indexes[^1] == index)
        {
            _counts[^1] += count;
        }
        else
        {
            _indexes.Add(index);
            _counts.Add(count);
        }
    }
}

namespace MetricsOperator.Timeseries.Histograms;

/// <summary>Bounds of exponential buckets, to the bit those of Prometheus: bucket i of schema s ends at 2^(i * 2^-s).</summary>
public static class ExponentialBounds
{
    public const int MinSchema = -4;
    public const int MaxSchema = 8;

    // 2^(i/256 - 1) for the finest schema; the coarser ones use every second, fourth, ... entry.
    private static readonly double[] Fractions = ComputeFractions();

    /// <summary>True for schemas -4 to 8.</summary>
    public static bool IsExponential(int schema) => schema is >= MinSchema and <= MaxSchema;

    /// <summary>
    /// The inclusive upper bound of bucket <paramref name="index"/>. The last bucket below the one for infinite observations ends at the
    /// largest float.
    /// </summary>
    public static double UpperBound(int index, int schema)
    {
        if (schema < 0)
        {
            var exponent = (long)index << -schema;
            return exponent == 1024 ? double.MaxValue : Math.ScaleB(1, (int)Math.Clamp(exponent, -5000, 5000));
        }

        var fraction = Fractions[(index & ((1 << schema) - 1)) << (MaxSchema - schema)];
        var power = (index >> schema) + 1;
        return fraction == 0.5 && power == 1025 ? double.MaxValue : Math.ScaleB(fraction, power);
    }

    /// <summary>The bucket of a coarser schema that holds bucket <paramref name="index"/> of a finer one.</summary>
    public static int Coarsen(int index, int fromSchema, int toSchema) => ((index - 1) >> (fromSchema - toSchema)) + 1;

    private static double[] ComputeFractions()
    {
        // One factor for each bit of the index, largest first. The factor for one half is rounded down, as in the table that clients and
        // servers share; with it the products agree with that table to the last bit.
        Span<double> factors = stackalloc double[MaxSchema];
        var root = 2.0;
        for (var i = 0; i < factors.Length; i++)
        {
            root = Math.Sqrt(root);
            factors[i] = i == 0 ? Math.BitDecrement(root) : root;
        }

        var fractions = new double[1 << MaxSchema];
        for (var i = 0; i < fractions.Length; i++)
        {
            var fraction = 0.5;
            for (var bit = 0; bit < factors.Length; bit++)
            {
                if (((i >> (MaxSchema - 1 - bit)) & 1) != 0)
                {
                    fraction *= factors[bit];
                }
            }

            fractions[i] = fraction;
        }

        return fractions;
    }
}

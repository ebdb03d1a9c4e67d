namespace MetricsOperator.PromQL.Functions;

/// <summary>Compensated summation (Neumaier's variant of Kahan's), so that small terms survive between large ones.</summary>
internal static class KahanSum
{
    /// <summary>Adds a term to a running sum and its compensation.</summary>
    public static void Add(double term, ref double sum, ref double compensation)
    {
        var total = sum + term;
        if (double.IsInfinity(total))
        {
            compensation = 0;
        }
        else if (Math.Abs(sum) >= Math.Abs(term))
        {
            compensation += (sum - total) + term;
        }
        else
        {
            compensation += (term - total) + sum;
        }

        sum = total;
    }

    /// <summary>The compensated sum of all values.</summary>
    public static double Sum(ReadOnlySpan<double> values)
    {
        double sum = 0, compensation = 0;
        foreach (var value in values)
        {
            Add(value, ref sum, ref compensation);
        }

        return double.IsInfinity(sum) ? sum : sum + compensation;
    }
}

/// <summary>
/// A running mean: the plain sum divided by the count as long as the sum fits a double, from then on the incremental mean, which does
/// not overflow but is less exact.
/// </summary>
internal struct RunningMean
{
    private double _sum;
    private double _compensation;
    private bool _incremental;

    public double Count { get; private set; }

    public readonly double Value => _incremental ? _sum + _compensation : (_sum / Count) + (_compensation / Count);

    public void Add(double value)
    {
        Count++;
        if (Count == 1)
        {
            _sum = value;
            return;
        }

        if (!_incremental)
        {
            var (sum, compensation) = (_sum, _compensation);
            KahanSum.Add(value, ref sum, ref compensation);
            if (!double.IsInfinity(sum))
            {
                (_sum, _compensation) = (sum, compensation);
                return;
            }

            _incremental = true;
            _sum /= Count - 1;
            _compensation /= Count - 1;
        }

        var weight = (Count - 1) / Count;
        _sum *= weight;
        _compensation *= weight;
        KahanSum.Add(value / Count, ref _sum, ref _compensation);
    }
}

using System.Numerics;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>Sums without rounding: every finite float is a whole multiple of 2^-1074.</summary>
internal static class ExactSum
{
    /// <summary>The float nearest to the sum; infinities and NaN as IEEE 754 has them.</summary>
    public static double Of(IReadOnlyCollection<double> values)
    {
        if (values.Any(v => !double.IsFinite(v)))
        {
            var isPositive = values.Any(double.IsPositiveInfinity);
            var isNegative = values.Any(double.IsNegativeInfinity);
            return values.Any(double.IsNaN) || (isPositive && isNegative) ? double.NaN : isPositive ? double.PositiveInfinity : double.NegativeInfinity;
        }

        if (values.Any(v => Math.Abs(v) > 1e290))
        {
            throw new AmbiguousException("a sum may overflow on the way");
        }

        var sum = values.Aggregate(BigInteger.Zero, (total, value) => total + Scaled(value));
        return Nearest(sum);
    }

    public static double Mean(IReadOnlyCollection<double> values) => Of(values) / values.Count;

    private static BigInteger Scaled(double value)
    {
        var bits = BitConverter.DoubleToInt64Bits(value);
        var exponent = (int)((bits >> 52) & 0x7FF);
        var mantissa = bits & 0xFFFFFFFFFFFFF;
        var magnitude = exponent == 0 ? mantissa : (BigInteger)(mantissa | (1L << 52)) << (exponent - 1);
        return value < 0 ? -magnitude : magnitude;
    }

    private static double Nearest(BigInteger scaled)
    {
        var magnitude = BigInteger.Abs(scaled);
        var drop = Math.Max(0, (int)magnitude.GetBitLength() - 53);
        var rounded = magnitude >> drop;
        var rest = magnitude - (rounded << drop);
        var half = drop == 0 ? BigInteger.One : BigInteger.One << (drop - 1);
        if (drop > 0 && (rest > half || (rest == half && !rounded.IsEven)))
        {
            rounded++;
        }

        // In two steps, since 2^1074 itself is no float.
        var result = Math.ScaleB(Math.ScaleB((double)rounded, drop - 537), -537);
        return scaled.Sign < 0 ? -result : result;
    }
}

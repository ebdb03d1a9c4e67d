namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>Comparisons whose outcome must not hang on the last digits, since rounding on the way to them is not the same everywhere.</summary>
internal static class Digits
{
    private const double Noise = 1e-12;

    /// <summary>True if the first is smaller.</summary>
    /// <exception cref="AmbiguousException">They differ in the last digits only.</exception>
    public static bool Less(double a, double b) => Clear(a, b) && a < b;

    /// <summary>True if they are the same.</summary>
    /// <exception cref="AmbiguousException">They differ in the last digits only.</exception>
    public static bool Equal(double a, double b) => Clear(a, b) && a == b;

    /// <summary>The remainder of a division, which is noise when the quotient has as many digits as a number can hold or is nearly whole.</summary>
    /// <exception cref="AmbiguousException">It is.</exception>
    public static double Remainder(double a, double b)
    {
        var exact = a % b;
        var quotient = Math.Abs(a / b);
        var isWhole = Math.Floor(a) == a && Math.Floor(b) == b && quotient < 1e9;
        var isClear = quotient * Noise * 1e3 < Math.Min(Math.Abs(exact / b), 1 - Math.Abs(exact / b));
        return double.IsNaN(exact) || double.IsInfinity(b) || isWhole || isClear
            ? exact
            : throw new AmbiguousException("the remainder hangs on the last digits");
    }

    /// <summary>True always, for use in a condition.</summary>
    /// <exception cref="AmbiguousException">They differ in the last digits only.</exception>
    public static bool Clear(double a, double b) => a == b || !(Math.Abs(a - b) <= Noise * Math.Max(Math.Abs(a), Math.Abs(b)))
        ? true
        : throw new AmbiguousException("the outcome hangs on the last digits");
}

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

    /// <summary>True always, for use in a condition.</summary>
    /// <exception cref="AmbiguousException">They differ in the last digits only.</exception>
    public static bool Clear(double a, double b) => a == b || !(Math.Abs(a - b) <= Noise * Math.Max(Math.Abs(a), Math.Abs(b)))
        ? true
        : throw new AmbiguousException("the outcome hangs on the last digits");
}

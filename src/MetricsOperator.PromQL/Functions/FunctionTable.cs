using MetricsOperator.PromQL.Histograms;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Functions;

/// <summary>A function: what the parser and the documentation know of it, and how it is computed.</summary>
internal sealed record FunctionDefinition(FunctionSignature Signature, FunctionBody Body);

/// <summary>All functions of the language; the one list.</summary>
internal static class FunctionTable
{
    private const PromType V = PromType.InstantVector;
    private const PromType R = PromType.RangeVector;
    private const PromType S = PromType.Scalar;
    private const PromType T = PromType.String;

    private static readonly Dictionary<string, FunctionDefinition> Functions = All().ToDictionary(f => f.Signature.Name, StringComparer.Ordinal);

    /// <summary>Every function, by name.</summary>
    public static IEnumerable<FunctionDefinition> List => Functions.Values;

    /// <summary>The function of a name, or null.</summary>
    public static FunctionDefinition? Find(string name) => Functions.GetValueOrDefault(name);

    /// <summary>The function of a name that is known to exist.</summary>
    public static FunctionDefinition Get(string name) => Functions[name];

    private static IEnumerable<FunctionDefinition> All() =>
        [.. Maths(), .. Trigonometry(), .. Times(), .. Counters(), .. OverTime(), .. Conversions(), .. Histograms()];

    private static IEnumerable<FunctionDefinition> Maths() =>
    [
        Float("abs", Math.Abs, "Absolute value."),
        Float("ceil", Math.Ceiling, "Rounds up."),
        Float("exp", Math.Exp, "e to the power of the value."),
        Float("floor", Math.Floor, "Rounds down."),
        Float("ln", Math.Log, "Natural logarithm."),
        Float("log10", Math.Log10, "Logarithm to base 10."),
        Float("log2", Math.Log2, "Logarithm to base 2."),
        Float("sgn", MathFunctions.Sign, "-1, 0 or 1 by sign."),
        Float("sqrt", Math.Sqrt, "Square root."),
        Vector("clamp", [V, S, S], MathFunctions.Clamp, "Limits values to a minimum and a maximum."),
        Vector("clamp_max", [V, S], MathFunctions.ClampMax, "Limits values to a maximum."),
        Vector("clamp_min", [V, S], MathFunctions.ClampMin, "Limits values to a minimum."),
        Vector("round", [V, S], MathFunctions.Round, "Rounds to the nearest multiple, 1 by default.", variadic: 1),
    ];

    private static IEnumerable<FunctionDefinition> Trigonometry() =>
    [
        Float("acos", Math.Acos, "Arccosine."),
        Float("acosh", Math.Acosh, "Inverse hyperbolic cosine."),
        Float("asin", Math.Asin, "Arcsine."),
        Float("asinh", Math.Asinh, "Inverse hyperbolic sine."),
        Float("atan", Math.Atan, "Arctangent."),
        Float("atanh", Math.Atanh, "Inverse hyperbolic tangent."),
        Float("cos", Math.Cos, "Cosine."),
        Float("cosh", Math.Cosh, "Hyperbolic cosine."),
        Float("deg", v => v * 180 / Math.PI, "Radians to degrees."),
        Float("rad", v => v * Math.PI / 180, "Degrees to radians."),
        Float("sin", Math.Sin, "Sine."),
        Float("sinh", Math.Sinh, "Hyperbolic sine."),
        Float("tan", Math.Tan, "Tangent."),
        Float("tanh", Math.Tanh, "Hyperbolic tangent."),
        new(new("pi", [], 0, S, "The number pi."), new FunctionBody.Scalars(MathFunctions.Pi)),
    ];

    private static IEnumerable<FunctionDefinition> Times() =>
    [
        Date("day_of_month", d => d.Day, "Day of the month, 1 to 31."),
        Date("day_of_week", d => (int)d.DayOfWeek, "Day of the week, 0 (Sunday) to 6."),
        Date("day_of_year", d => d.DayOfYear, "Day of the year, 1 to 366."),
        Date("days_in_month", d => DateTime.DaysInMonth(d.Year, d.Month), "Length of the month in days."),
        Date("hour", d => d.Hour, "Hour of the day, 0 to 23."),
        Date("minute", d => d.Minute, "Minute of the hour, 0 to 59."),
        Date("month", d => d.Month, "Month of the year, 1 to 12."),
        Date("year", d => d.Year, "Year."),
        new(new("time", [], 0, S, "Evaluation time in seconds since 1970."), new FunctionBody.Scalars(TimeFunctions.Time)),
        Vector("timestamp", [V], TimeFunctions.Timestamp, "Time of each sample in seconds since 1970."),
    ];

    private static IEnumerable<FunctionDefinition> Counters() =>
    [
        Range("changes", CounterFunctions.Changes, "How often the value changed."),
        Range("delta", CounterFunctions.Delta, "Difference between end and start of the range, for gauges.", kernel: CounterKernels.Delta),
        Range("deriv", RegressionFunctions.Derivative, "Slope per second by linear regression, for gauges."),
        Range("idelta", CounterFunctions.InstantDelta, "Difference of the last two samples, for gauges."),
        new(
            new("increase", [R], 0, V, "Increase of a counter over the range."),
            new RangeBody(CounterFunctions.Increase, expectsCounter: true, kernel: CounterKernels.Increase)),
        Range("irate", CounterFunctions.InstantRate, "Increase per second of the last two samples of a counter."),
        new(
            new("rate", [R], 0, V, "Increase per second of a counter over the range."),
            new RangeBody(CounterFunctions.Rate, expectsCounter: true, kernel: CounterKernels.Rate)),
        Range("resets", CounterFunctions.Resets, "How often a counter was reset."),
        new(new("predict_linear", [R, S], 0, V, "Value some seconds from now by linear regression."), new RangeBody(RegressionFunctions.PredictLinear)),
        new(
            new("double_exponential_smoothing", [R, S, S], 0, V, "Smoothed value; a smoothing and a trend factor between 0 and 1.", Experimental: true),
            new RangeBody(RegressionFunctions.DoubleExponentialSmoothing)),
    ];

    private static IEnumerable<FunctionDefinition> OverTime() =>
    [
        Range("avg_over_time", OverTimeFunctions.Average, "Average of the samples.", kernel: OverTimeKernels.Average),
        Range("count_over_time", OverTimeFunctions.Count, "Number of samples.", kernel: OverTimeKernels.Count),
        new(
            new("last_over_time", [R], 0, V, "Latest sample."),
            new RangeBody(OverTimeFunctions.Last, keepName: true, kernel: OverTimeKernels.Last)),
        Range("max_over_time", OverTimeFunctions.Max, "Largest sample.", kernel: OverTimeKernels.Max),
        Range("min_over_time", OverTimeFunctions.Min, "Smallest sample.", kernel: OverTimeKernels.Min),
        Range("present_over_time", OverTimeFunctions.Present, "1 if there is a sample.", kernel: OverTimeKernels.Present),
        new(
            new("quantile_over_time", [S, R], 0, V, "Quantile of the samples."),
            new RangeBody(OverTimeFunctions.Quantile, rangeArgument: 1, kernel: OverTimeKernels.Quantile)),
        Range("stddev_over_time", OverTimeFunctions.Deviation, "Population standard deviation of the samples."),
        Range("stdvar_over_time", OverTimeFunctions.Variance, "Population variance of the samples."),
        Range("sum_over_time", OverTimeFunctions.Sum, "Sum of the samples.", kernel: OverTimeKernels.Sum),
        Range("mad_over_time", OverTimeFunctions.MedianDeviation, "Median absolute deviation of the samples.", experimental: true),
        Range("ts_of_last_over_time", OverTimeFunctions.TimeOfLast, "Time of the latest sample.", experimental: true),
        Range("ts_of_max_over_time", OverTimeFunctions.TimeOfMax, "Time of the latest largest sample.", experimental: true),
        Range("ts_of_min_over_time", OverTimeFunctions.TimeOfMin, "Time of the latest smallest sample.", experimental: true),
        new(new("absent_over_time", [R], 0, V, "1 if no series has a sample."), new FunctionBody.Vector(OverTimeFunctions.Absent)),
    ];

    private static IEnumerable<FunctionDefinition> Conversions() =>
    [
        new(new("absent", [V], 0, V, "1 if the vector is empty."), new FunctionBody.Vector(AbsenceFunctions.Absent)),
        new(new("scalar", [V], 0, S, "The value of the only series, else NaN."), new FunctionBody.Scalars(MathFunctions.Scalar)),
        new(new("vector", [S], 0, V, "A series without labels."), new FunctionBody.Vector(MathFunctions.Vector)),
        new(new("label_join", [V, T, T, T], -1, V, "Joins label values into another label."), new FunctionBody.Vector(LabelFunctions.Join)),
        new(
            new("label_replace", [V, T, T, T, T], 0, V, "Sets a label from a regular expression match of another."),
            new FunctionBody.Vector(LabelFunctions.Replace)),
        new(
            new("info", [V, V], 1, V, "Adds the data labels of info metrics, joined on instance and job.", Experimental: true),
            new FunctionBody.Vector(InfoFunction.Join, merge: true)),
        new(new("sort", [V], 0, V, "Sorts by value, ascending."), new FunctionBody.Vector(SortFunctions.Ascending)),
        new(new("sort_desc", [V], 0, V, "Sorts by value, descending."), new FunctionBody.Vector(SortFunctions.Descending)),
        new(
            new("sort_by_label", [V, T], -1, V, "Sorts by labels in natural order.", Experimental: true),
            new FunctionBody.Vector(SortFunctions.ByLabel)),
        new(
            new("sort_by_label_desc", [V, T], -1, V, "Sorts by labels in reverse natural order.", Experimental: true),
            new FunctionBody.Vector(SortFunctions.ByLabelDescending)),
    ];

    private static IEnumerable<FunctionDefinition> Histograms() =>
    [
        Native("histogram_avg", h => h.Sum / h.Count, "Average observation."),
        Native("histogram_count", h => h.Count, "Number of observations."),
        Native("histogram_stddev", h => Math.Sqrt(NativeQuantiles.Variance(h)), "Estimated standard deviation of the observations."),
        Native("histogram_stdvar", NativeQuantiles.Variance, "Estimated variance of the observations."),
        Native("histogram_sum", h => h.Sum, "Sum of the observations."),
        new(
            new("histogram_fraction", [S, S, V], 0, V, "Estimated fraction of observations between two values."),
            new FunctionBody.Vector(HistogramFunctions.Fraction)),
        new(
            new("histogram_quantile", [S, V], 0, V, "Estimated quantile of the observations."),
            new FunctionBody.Vector(HistogramFunctions.Quantile)),
    ];

    private static FunctionDefinition Float(string name, Func<double, double> map, string doc) =>
        new(new FunctionSignature(name, [V], 0, V, doc), new FunctionBody.Floats(map));

    private static FunctionDefinition Vector(
        string name, PromType[] arguments, Func<FunctionCall, IEnumerable<Engine.Column>> compute, string doc, int variadic = 0) =>
        new(new FunctionSignature(name, arguments, variadic, V, doc), new FunctionBody.Vector(compute, merge: true));

    private static FunctionDefinition Range(string name, RangeFunction function, string doc, bool experimental = false, RangeKernel? kernel = null) =>
        new(new FunctionSignature(name, [R], 0, V, doc, experimental), new RangeBody(function, kernel: kernel));

    private static FunctionDefinition Date(string name, Func<DateTime, double> part, string doc) =>
        new(new FunctionSignature(name, [V], 1, V, doc), TimeFunctions.Part(part));

    private static FunctionDefinition Native(string name, Func<Timeseries.Histograms.FloatHistogram, double> compute, string doc) =>
        new(new FunctionSignature(name, [V], 0, V, doc), HistogramFunctions.OfNative(compute));
}

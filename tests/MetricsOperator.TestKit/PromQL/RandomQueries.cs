using System.Globalization;

namespace MetricsOperator.TestKit.PromQL;

/// <summary>
/// Random queries over the metrics of <see cref="RandomData"/>, made by the types of the language, so that nearly all of them are valid (operands
/// without parentheses may bind in a way that is not).
/// </summary>
public sealed class RandomQueries(Random random, QueryDialect dialect)
{
    private static readonly string[] Arithmetic = ["+", "-", "*", "/", "%", "^", "atan2"];
    private static readonly string[] Comparisons = ["==", "!=", ">", "<", ">=", "<="];
    private static readonly string[] Sets = ["and", "or", "unless"];
    private static readonly string[] Aggregators = ["sum", "avg", "min", "max", "count", "group"];

    // Earlier versions see no spread in a single infinite value.
    private static readonly string[] Spreads = ["stddev", "stdvar"];
    private static readonly string[] Labels = ["job", "instance", "code", "le", "version", "missing"];
    private static readonly string[] Ranges = ["20s", "1m", "90s", "5m", "7m", "13m"];
    private static readonly string[] Offsets = ["15s", "1m", "4m", "-1m", "-30s"];
    private static readonly string[] SubqueryRanges = ["1m", "3m", "10m"];
    private static readonly string[] SubquerySteps = ["", "15s", "45s", "1m", "2m"];

    private static readonly string[] FloatFunctions =
    [
        "abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad",
        "round",
    ];

    private static readonly string[] DateFunctions = ["minute", "hour", "day_of_week", "day_of_month", "day_of_year", "days_in_month", "month", "year"];

    private static readonly string[] CounterFunctions = ["rate", "increase", "irate", "resets", "changes"];

    private static readonly string[] RangeFunctions =
    [
        "delta", "idelta", "deriv", "changes", "resets", "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "stddev_over_time", "stdvar_over_time",
        "last_over_time", "present_over_time", "absent_over_time",
    ];

    private static readonly string[] NewerRangeFunctions = ["mad_over_time", "ts_of_min_over_time", "ts_of_max_over_time", "ts_of_last_over_time"];

    private static readonly string[] HistogramFunctions = ["histogram_count", "histogram_sum", "histogram_avg", "histogram_stddev", "histogram_stdvar"];

    private static readonly string[] Floats = ["temperature", "temperature", "enabled", "requests_total", "errors_total", "latency_bucket", "build_info"];

    private static readonly string[] Counters = ["requests_total", "errors_total", "latency_bucket"];

    private static readonly string[] Histograms = ["sizes", "load", "waits", "mixed"];

    /// <summary>A query that yields a scalar or an instant vector.</summary>
    public string Next() => random.Next(20) == 0 ? Scalar(2) : Vector(random.Next(4));

    /// <summary>A query time in milliseconds; none lies on a border of a window of the data unless only the newest version is asked.</summary>
    public long TimeMs() =>
        RandomData.StartMs + (random.Next((int)(RandomData.LengthMs / 5000)) * 5000L) + (dialect.Newer ? 0 : 500);

    /// <summary>A step in milliseconds.</summary>
    public long StepMs() => Pick([1000, 15_000, 30_000, 60_000, 137_000, 600_000]);

    private static string Group(string operand) => "(" + operand + ")";

    private string Vector(int depth)
    {
        if (depth <= 0)
        {
            return Selector();
        }

        return random.Next(24) switch
        {
            0 => Selector(),
            1 or 2 => $"{Pick(FloatFunctions)}({Vector(depth - 1)})",
            3 or 4 => CounterFunction(depth - 1),
            5 or 6 or 7 => RangeFunction(depth - 1),
            8 or 9 => $"{Pick(Aggregators)}{Grouping()}({Vector(depth - 1)})",
            10 => $"{Pick(Spreads)}{Grouping()}({(dialect.Newer ? Vector(depth - 1) : Select(Pick(["enabled", "errors_total"])))})",
            11 => ParameterAggregation(depth - 1),
            12 or 13 => VectorAndScalar(depth - 1),
            14 or 15 or 16 => Match(depth - 1),
            17 => $"{Operand(depth - 1)} {Pick(Sets)}{Matching()} {Operand(depth - 1)}",
            18 => $"-{Operand(depth - 1)}",
            19 => Labelling(depth - 1),
            20 => HistogramQuantile(depth - 1),
            21 when dialect.Histograms => $"{Pick(HistogramFunctions)}({HistogramVector(depth - 1)})",
            22 => Other(depth - 1),
            _ => Group(Vector(depth - 1)),
        };
    }

    // Earlier versions stretch counters near zero in another way.
    private string CounterFunction(int depth) => Pick(CounterFunctions) is var name && name is "rate" or "increase" && !dialect.Newer
        ? $"{name}({Select(Pick(Counters), $"[{Pick(Ranges)}]")})"
        : $"{name}({Range(depth, counter: true)})";

    private string RangeFunction(int depth) => random.Next(8) switch
    {
        // Earlier versions move a window that @ fixes along with the steps when another argument differs from step to step.
        0 => $"quantile_over_time({(dialect.Newer ? Scalar(depth - 1) : Number())}, {Range(depth)})",
        1 when dialect.Newer => $"predict_linear({Range(depth)}, {random.Next(-600, 600)})",

        // The same; its other argument is the time.
        1 => $"predict_linear({Name()}[{Pick(Ranges)}], {random.Next(-600, 600)})",
        2 when dialect.Newer => $"{Pick(NewerRangeFunctions)}({Range(depth)})",
        3 when dialect.Newer => $"double_exponential_smoothing({Range(depth)}, 0.{random.Next(1, 10)}, 0.{random.Next(1, 10)})",
        _ => $"{Pick(RangeFunctions)}({Range(depth)})",
    };

    private string ParameterAggregation(int depth) => random.Next(5) switch
    {
        0 => $"quantile{Grouping()}({Scalar(depth)}, {Vector(depth)})",

        // The text of a computed value hangs on its last digits.
        1 => $"count_values{Grouping()}(\"{Pick(["value", "job"])}\", {(dialect.Newer ? Vector(depth) : Selector())})",
        2 when dialect.Newer => $"limitk{Grouping()}({random.Next(4)}, {Vector(depth)})",
        3 when dialect.Newer => TopK(depth),

        // Which of equal values is the largest is not the same everywhere, but their sum is.
        _ => $"{Pick(["sum", "min", "max", "count", "avg"])}({TopK(depth)})",
    };

    private string TopK(int depth) =>
        $"{Pick(["topk", "bottomk"])}{Grouping()}({(random.Next(5) == 0 ? Scalar(depth) : random.Next(5).ToString(CultureInfo.InvariantCulture))}, {Vector(depth)})";

    private string VectorAndScalar(int depth)
    {
        var (left, right) = (Operand(depth), ScalarOperand(depth));
        if (random.Next(3) == 0)
        {
            (left, right) = (right, left);
        }

        return random.Next(2) == 0 ? $"{left} {ArithmeticOperator()} {right}" : $"{left} {Pick(Comparisons)}{Bool()} {right}";
    }

    // Earlier versions keep the name in front of atan2, the last of the list.
    private string ArithmeticOperator() => Arithmetic[random.Next(Arithmetic.Length - (dialect.Newer ? 0 : 1))];

    private string Match(int depth)
    {
        var op = random.Next(2) == 0 ? ArithmeticOperator() : Pick(Comparisons) + Bool();
        if (random.Next(4) == 0)
        {
            // The usual join with an info metric.
            return $"{Group(Vector(depth))} {op} on (instance, job) group_left ({Pick(["version", "", "missing"])}) build_info";
        }

        if (random.Next(5) == 0)
        {
            return $"{Group($"sum by (job) ({Vector(depth)})")} {op} on (job) group_right ({Pick(["", "instance"])}) {Group(Vector(depth))}";
        }

        if (random.Next(3) == 0)
        {
            var operand = Group(Vector(depth));
            return $"{operand} {op} {operand}";
        }

        var matching = random.Next(6) == 0 ? " on (job) group_left ()" : Matching();
        return $"{Group(Vector(depth))} {op}{matching} {Group(Vector(depth))}";
    }

    private string Labelling(int depth) => random.Next(3) == 0
        ? $"label_join({Vector(depth)}, \"{Pick(["joined", "job"])}\", \"-\", \"job\", \"{Pick(Labels)}\")"
        : $"label_replace({Vector(depth)}, \"{Pick(["made", "job", "code"])}\", \"{Pick(["$1", "x-$1-$2", "${1}y", ""])}\", \"{Pick(Labels)}\", \"{Pick(["(.*)", "(a|w)(.+)", "([a-z]+).*", "none"])}\")";

    private string HistogramQuantile(int depth)
    {
        var buckets = random.Next(4) switch
        {
            0 => "latency_bucket",
            1 => $"sum by (le{Pick(["", ", job"])}) (rate(latency_bucket[{Pick(Ranges)}]))",
            2 => $"rate(latency_bucket[{Pick(Ranges)}])",
            _ => dialect.Histograms ? HistogramVector(depth) : "latency_bucket",
        };
        return dialect.Newer && random.Next(3) == 0
            ? $"histogram_fraction({Pick(["-Inf", "0", "0.25", "1", "3"])}, {Pick(["0.75", "2.5", "7", "+Inf"])}, {buckets})"
            : $"histogram_quantile({Pick(["0", "0.1", "0.5", "0.9", "0.99", "1", "-1", "2", "NaN"])}, {buckets})";
    }

    private string Other(int depth) => random.Next(7) switch
    {
        0 => $"absent({Vector(depth)})",
        1 => $"clamp({Vector(depth)}, {Scalar(depth - 1)}, {Scalar(depth - 1)})",
        2 => $"{Pick(["clamp_min", "clamp_max", "round"])}({Vector(depth)}, {Scalar(depth - 1)})",
        3 => $"timestamp({Vector(depth)})",
        4 => $"vector({Scalar(depth)})",
        5 => $"{Pick(DateFunctions)}({(random.Next(2) == 0 ? "" : $"timestamp({Vector(depth)}) * {random.Next(1, 3)}")})",
        _ => $"{Pick(["sort", "sort_desc"])}({Vector(depth)})",
    };

    private string HistogramVector(int depth) => depth <= 0 ? Select(Pick(Histograms)) : random.Next(6) switch
    {
        0 => $"{Pick(["rate", "increase", "delta", "irate", "idelta"])}({Select(Pick(Histograms), $"[{Pick(Ranges)}]")})",
        1 => $"{Pick(["sum_over_time", "avg_over_time", "last_over_time"])}({Select(Pick(Histograms), $"[{Pick(Ranges)}]")})",
        2 => $"{Pick(["sum", "avg"])}{Grouping()}({HistogramVector(depth - 1)})",
        3 => $"{Group(HistogramVector(depth - 1))} {Pick(["+", "-", "==", "!="])}{Matching()} {Group(HistogramVector(depth - 1))}",
        4 => $"{Group(HistogramVector(depth - 1))} {Pick(["*", "/"])} {random.Next(-2, 5)}",
        _ => Select(Pick(Histograms)),
    };

    private string Scalar(int depth) => depth <= 0 ? Number() : random.Next(9) switch
    {
        0 => "time()",
        1 => $"scalar({Vector(depth - 1)})",
        2 => $"{ScalarOperand(depth - 1)} {Pick(Arithmetic)} {ScalarOperand(depth - 1)}",
        3 => $"{ScalarOperand(depth - 1)} {Pick(Comparisons)} bool {ScalarOperand(depth - 1)}",
        4 => $"-{ScalarOperand(depth - 1)}",
        5 => "pi()",
        _ => Number(),
    };

    private string Number() => random.Next(8) switch
    {
        0 => Pick(["Inf", "-Inf", "NaN", "0", "-1"]),
        1 => (random.Next(-80, 80) / 8.0).ToString(CultureInfo.InvariantCulture),
        2 => "0." + random.Next(1, 10).ToString(CultureInfo.InvariantCulture),
        _ => random.Next(5).ToString(CultureInfo.InvariantCulture),
    };

    private string Range(int depth, bool counter = false)
    {
        if (depth > 0 && random.Next(3) == 0)
        {
            return $"{Group(Vector(depth - 1))}[{Pick(SubqueryRanges)}:{Pick(SubquerySteps)}]{Modifiers()}";
        }

        var name = counter && random.Next(4) > 0 ? Pick(Counters) : Name();
        return Select(name, $"[{Pick(Ranges)}]");
    }

    private string Selector() => random.Next(12) == 0
        ? "{__name__=~\"" + Pick(["temperature|enabled", "errors_.*", ".*_total"]) + "\"" + Pick(["", ", job=\"api\""]) + "}" + Modifiers()
        : Select(Name());

    private string Select(string name, string range = "")
    {
        var matchers = Enumerable.Range(0, random.Next(3) == 0 ? random.Next(1, 3) : 0).Select(_ => Matcher()).ToList();
        return name + (matchers.Count > 0 ? "{" + string.Join(",", matchers) + "}" : "") + range + Modifiers();
    }

    private string Name() => dialect.Histograms && random.Next(6) == 0 ? Pick(Histograms) : Pick(Floats);

    private string Matcher() => random.Next(6) switch
    {
        0 => $"job=\"{Pick(RandomData.Jobs)}\"",
        1 => $"job!=\"{Pick(RandomData.Jobs)}\"",
        2 => $"instance=~\"{Pick(["a:.*", ".*", "a:1|b:2", "c.+"])}\"",
        3 => $"code!~\"{Pick(["4..", "", "2.*|5.*"])}\"",
        4 => $"missing=\"{Pick(["", "x"])}\"",
        _ => $"instance=\"{Pick(RandomData.Instances)}\"",
    };

    private string Modifiers()
    {
        var offset = random.Next(6) == 0 ? $" offset {Pick(Offsets)}" : "";
        var at = random.Next(12) switch
        {
            0 => " @ start()",
            1 => " @ end()",
            2 => string.Create(CultureInfo.InvariantCulture, $" @ {TimeMs() / 1000.0}"),
            _ => "",
        };
        return random.Next(2) == 0 ? offset + at : at + offset;
    }

    private string Grouping() => random.Next(5) switch
    {
        0 => $" by ({Pick(Labels)})",
        1 => $" by ({Pick(Labels)}, {Pick(Labels)})",
        2 => $" without ({Pick(Labels)})",
        3 => Pick([" without ()", " by ()", ""]),
        _ => "",
    };

    private string Matching() => random.Next(7) switch
    {
        0 => " on (job)",
        1 => " on (job, instance)",
        2 => " ignoring (code)",
        3 => " ignoring (code, version, le)",
        4 => " on ()",
        _ => "",
    };

    private string Bool() => random.Next(2) == 0 ? " bool" : "";

    private string Operand(int depth) => random.Next(3) == 0 ? Vector(depth) : Group(Vector(depth));

    private string ScalarOperand(int depth) => random.Next(3) == 0 ? Scalar(depth) : Group(Scalar(depth));

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];
}

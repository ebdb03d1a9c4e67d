using System.Globalization;

namespace MetricsOperator.PromQL.Tests.Syntax;

/// <summary>Random valid queries.</summary>
internal sealed class ExpressionGenerator(Random random)
{
    private static readonly string[] Names = ["up", "http_requests_total", "node:cpu:rate5m", "sum", "start", "{\"my.metric\"}"];
    private static readonly string[] Labels = ["job", "instance", "le", "\"a.b\"", "by", "on"];
    private static readonly string[] Values = ["\"a\"", "'x\\n'", "`raw`", "\"é\\t\"", "\"a|b.*\""];
    private static readonly string[] Functions = ["abs", "ceil", "sort", "timestamp", "absent", "histogram_count"];
    private static readonly string[] RangeFunctions = ["rate", "increase", "avg_over_time", "changes", "absent_over_time"];
    private static readonly string[] Aggregators = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"];
    private static readonly string[] Arithmetic = ["+", "-", "*", "/", "%", "^", "atan2"];
    private static readonly string[] Comparisons = ["==", "!=", ">", "<", ">=", "<="];
    private static readonly string[] Sets = ["and", "or", "unless"];
    private static readonly string[] Durations = ["5m", "1h30m", "90s", "300", "1.5", "2d", "1ms"];

    public string Vector(int depth) => depth <= 0 ? Selector() : random.Next(9) switch
    {
        0 => $"({Vector(depth - 1)})",
        1 => $"{Pick(Functions)}({Vector(depth - 1)})",
        2 => $"{Pick(RangeFunctions)}({Range(depth - 1)})",
        3 => $"{Pick(Aggregators)}{Grouping()}({Vector(depth - 1)})",
        4 => $"topk{Grouping()}({Scalar(depth - 1)}, {Vector(depth - 1)})",
        5 => $"{Vector(depth - 1)} {Pick(Arithmetic)} {Scalar(depth - 1)}",
        6 => $"{Vector(depth - 1)} {Pick(Comparisons)}{(Coin() ? " bool" : "")}{Matching(grouped: true)} {Vector(depth - 1)}",
        7 => $"{Vector(depth - 1)} {Pick(Sets)}{Matching(grouped: false)} {Vector(depth - 1)}",
        _ => $"-{Vector(depth - 1)}",
    };

    private string Scalar(int depth) => depth <= 0 ? Number() : random.Next(5) switch
    {
        0 => $"({Scalar(depth - 1)})",
        1 => $"scalar({Vector(depth - 1)})",
        2 => $"{Scalar(depth - 1)} {Pick(Arithmetic)} {Scalar(depth - 1)}",
        3 => $"-{Scalar(depth - 1)}",
        _ => Number(),
    };

    private string Range(int depth) => Coin()
        ? Name() + $"[{Pick(Durations)}]" + Modifiers()
        : $"({Vector(depth)})[{Pick(Durations)}:{(Coin() ? Pick(Durations) : "")}]" + Modifiers();

    private string Selector() => Name() + Modifiers();

    private string Name()
    {
        var name = Pick(Names);
        if (name[0] == '{' || Coin())
        {
            return name;
        }

        var matchers = Enumerable.Range(0, random.Next(3)).Select(_ => Pick(Labels) + Pick(["=", "!=", "=~", "!~"]) + Pick(Values));
        return name + "{" + string.Join(", ", matchers) + (Coin() ? "" : " ") + "}";
    }

    private string Modifiers() => random.Next(6) switch
    {
        0 => $" offset {Pick(Durations)}",
        1 => $" offset -{Pick(Durations)}",
        2 => " @ start()",
        3 => $" @ {random.Next(1_000_000) / 1000.0} offset {Pick(Durations)}",
        _ => "",
    };

    private string Grouping() => random.Next(3) switch
    {
        0 => $" by ({Pick(Labels)})",
        1 => $" without ({Pick(Labels)}, {Pick(Labels)}) ",
        _ => "",
    };

    private string Matching(bool grouped) => random.Next(4) switch
    {
        0 => " on (job)",
        1 => " ignoring (instance)",
        2 when grouped => " on (job) group_left (le)",
        _ => "",
    };

    private string Number() => random.Next(5) switch
    {
        0 => random.Next(1000).ToString(CultureInfo.InvariantCulture),
        1 => (random.NextDouble() * Math.Pow(10, random.Next(-12, 12))).ToString("R", CultureInfo.InvariantCulture),
        2 => Pick(["Inf", "NaN", "0x1f", "017", "1_000", ".5"]),
        _ => Pick(Durations),
    };

    private bool Coin() => random.Next(2) == 0;

    private string Pick(string[] from) => from[random.Next(from.Length)];
}

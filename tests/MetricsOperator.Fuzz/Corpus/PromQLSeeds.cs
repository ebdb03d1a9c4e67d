using System.Text;
using MetricsOperator.TestKit;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>Valid queries and the words of the language.</summary>
internal static class PromQLSeeds
{
    private static readonly string[] Texts =
    [
        "1", "-1", "+1", "1.5e3", "0x1F", "017", "1_000", "Inf", "-Inf", "NaN", ".5", "5m", "1h30m", "-1h", "1 + 2 * 3 ^ 4 ^ 5 % 6", "-1 ^ 2", "(-1) ^ 2", "1 == bool 2",
        "\"a\\n\\x41\\u00e9\\U0001F600\\101\"", "'b\\''", "`raw\\`", "up", "up{}", "{job=\"a\"}", "up{job=\"a\",instance!=\"b\",le=~\"a|b\",x!~\"c.*\"}",
        "{\"my.metric\",\"a.b\"=\"c\"}", "{__name__=~\"a.+\"}", "sum", "sum{by=\"x\"}", "start", "up[5m]", "up[5m] offset 1h", "up offset -5m", "up @ 1.5", "up @ -1",
        "up @ start()", "up[1h] @ end() offset 3m", "up offset 1m @ 10", "rate(up[5m])", "rate(up[5m:1m])", "rate(up[5m:])[1h:30s] offset 1d",
        "sum by (job) (up)", "sum(up) by (job)", "sum without (a, b) (up)", "topk(5, up)", "topk by (a) (5, up)", "quantile(0.9, up)", "count_values(\"x\", up)",
        "limitk(3, up)", "limit_ratio(0.5, up)", "up + down", "up * on (job) down", "up / ignoring (a) group_left (b, c) down", "up - on () group_right () down",
        "up and on (a) down", "up or down unless x", "up atan2 down", "up > bool 1", "a == b != c", "-up", "+up", "--up", "-up ^ 2", "-(up)", "(((up)))", "- - 1",
        "time()", "vector(1)", "scalar(up)", "label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")", "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))",
        "info(up, {a=\"b\"})", "round(up, 5)", "days_in_month()", "absent(up{a=\"b\"})", "double_exponential_smoothing(up[5m], 0.5, 0.5)", "sort_by_label(up, \"a\", \"b\")",
        "up[5m + 1h]", "up[(5 * 2m)]", "up offset (1m - 30s)", "up[2 ^ 3]", "up[-(-5m)]", "up[5m:1m * 2]", "# comment\nup # end", "up{a=\"b\",}", "sum by () (up)",
        "min_over_time(rate(a:b:c{d=\"é\"}[5m])[30m:1m])", "1 + +1", "1 - -1", "2 ^ -1", "Inf ^ 2", "-Inf ^ 2", "1e309", "1ms", "0", "-0", "up @ -0", "up offset 0s",
        "by", "on{on=\"on\"}", "bool", "sum(sum(sum(up)))", "up{\"quo\\\"ted\"=\"x\"}", "sum by (\"a b\") (up)", "a + ignoring (\"x.y\") b", "1d2h3m4s5ms", "up[1y]",
        "a or b and c unless d", "a < b <= c > d >= e", "up{a=~\"(?i)x\"}", "up{a=~\"[a-z]{1,3}\"}",
    ];

    public static IReadOnlyList<byte[]> Words { get; } =
    [
        .. new[]
        {
            "(", ")", "[", "]", "{", "}", ",", ":", "@", "+", "-", "*", "/", "%", "^", "==", "!=", "=~", "!~", "=", "<", ">", "<=", ">=", " ", "\n", "#", "\"", "'", "`", "\\",
            " and ", " or ", " unless ", " atan2 ", " bool ", " on ", " ignoring ", " group_left ", " group_right ", " by ", " without ", " offset ", "start()", "end()",
            "sum", "topk", "count_values", "rate", "time()", "vector", "scalar", "abs", "up", "a:b", "__name__", "Inf", "NaN", "nan", "inf", "0x", "1e", "5m", "1h", "[5m]", "[5m:1m]",
            "9223372036854775807", "1e308", "0.001", "é", "\U0001F600", "\\u", "\\x", "{}", "()", "1", "-1", "min(", "max(", "step()", "-", "+", "info(", "smoothed", "anchored",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    public static IReadOnlyList<byte[]> Queries()
    {
        var queries = new List<string>(Texts)
        {
            string.Concat(Enumerable.Repeat("1+", 2000)) + "1",
            new string('(', 900) + "1" + new string(')', 900),
            string.Concat(Enumerable.Repeat("-", 2000)) + "up",
            "up" + string.Concat(Enumerable.Repeat("[5m:1m]", 900)),
            "up[" + string.Concat(Enumerable.Repeat("1+", 2000)) + "1]",
            "up[" + new string('(', 2000) + "1" + new string(')', 2000) + "]",
            "up[" + string.Concat(Enumerable.Repeat("-", 2000)) + "1]",
        };

        // The expressions of our own conformance scripts: "eval instant at 5m EXPRESSION".
        var scripts = Path.Combine(RepositoryRoot.Path, "tests", "MetricsOperator.PromQL.Tests", "testdata", "scripts");
        foreach (var file in Directory.EnumerateFiles(scripts, "*.test").Order(StringComparer.Ordinal))
        {
            foreach (var line in File.ReadLines(file).Where(l => l.StartsWith("eval instant at ", StringComparison.Ordinal)))
            {
                queries.Add(line.Split(' ', 5)[^1]);
            }
        }

        return [.. queries.Select(Encoding.UTF8.GetBytes)];
    }
}

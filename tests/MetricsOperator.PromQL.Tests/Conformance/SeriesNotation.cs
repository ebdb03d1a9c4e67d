using System.Globalization;
using System.Text.RegularExpressions;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.PromQL.Tests.Conformance;

/// <summary>One position of a sequence: a float, a histogram, or a gap.</summary>
internal readonly record struct Point(double? Number, FloatHistogram? Histogram = null, bool HintIsExplicit = false)
{
    public bool IsGap => Number is null && Histogram is null;
}

/// <summary>The notation of test scripts: <c>metric{label="v"} 1 2+3x4 _ stale {{schema:1 ...}}x2</c>.</summary>
internal static partial class SeriesNotation
{
    public static (LabelSet Labels, List<Point> Values) Parse(string line)
    {
        var end = EndOfMetric(line);
        return (ParseMetric(line[..end]), ParseValues(line[end..]));
    }

    public static double ParseNumber(string text) => GoNumbers.TryParse(text.Trim()) ?? throw new FormatException($"not a number: {text}");

    public static List<Point> ParseValues(string text)
    {
        var values = new List<Point>();
        var position = 0;
        while (true)
        {
            while (position < text.Length && char.IsWhiteSpace(text[position]))
            {
                position++;
            }

            if (position >= text.Length)
            {
                return values;
            }

            if (text.AsSpan(position).StartsWith("{{"))
            {
                ParseHistograms(text, ref position, values);
                continue;
            }

            var end = position;
            while (end < text.Length && !char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            ParseNumbers(text[position..end], values);
            position = end;
        }
    }

    private static int EndOfMetric(string line)
    {
        var inBraces = false;
        char? quote = null;
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (quote is not null)
            {
                i += c == '\\' && quote != '`' ? 1 : 0;
                quote = c == quote ? null : quote;
            }
            else if (inBraces && c is '"' or '\'' or '`')
            {
                quote = c;
            }
            else if (c == '{')
            {
                inBraces = true;
            }
            else if (c == '}')
            {
                return i + 1;
            }
            else if (!inBraces && char.IsWhiteSpace(c))
            {
                return i;
            }
        }

        return line.Length;
    }

    // A metric is a selector with nothing but equality matchers; empty ones stand for no label.
    private static LabelSet ParseMetric(string text)
    {
        if (text.Trim() == "{}")
        {
            return LabelSet.Empty;
        }

        var selector = new ExpressionParser(text, ParserOptions.Everything).ParseLoneSelector();
        var labels = new LabelSetBuilder();
        foreach (var matcher in selector.Matchers)
        {
            Assert.Equal(MatchType.Equal, matcher.Type);
            labels.Set(matcher.Name, matcher.Value);
        }

        return labels.Build();
    }

    private static void ParseNumbers(string item, List<Point> into)
    {
        if (item == "stale")
        {
            into.Add(new Point(StaleMarker.Value));
            return;
        }

        if (GapItem().Match(item) is { Success: true } gap)
        {
            var count = gap.Groups[1].Success ? int.Parse(gap.Groups[1].Value, CultureInfo.InvariantCulture) : 1;
            into.AddRange(Enumerable.Repeat(default(Point), count));
            return;
        }

        var match = NumberItem().Match(item);
        if (!match.Success)
        {
            throw new FormatException($"invalid series value {item}");
        }

        var value = ParseNumber(match.Groups["base"].Value);
        into.Add(new Point(value));
        var times = match.Groups["times"].Success ? int.Parse(match.Groups["times"].Value, CultureInfo.InvariantCulture) : 0;
        for (var i = 0; i < times; i++)
        {
            value += match.Groups["step"].Success ? ParseNumber(match.Groups["step"].Value) : 0;
            into.Add(new Point(value));
        }
    }

    private static void ParseHistograms(string text, ref int position, List<Point> into)
    {
        var (current, isExplicit) = ParseHistogram(text, ref position);
        FloatHistogram? step = null;
        var subtract = false;
        if (position < text.Length && text[position] is '+' or '-' && text.AsSpan(position + 1).StartsWith("{{"))
        {
            subtract = text[position++] == '-';
            (step, isExplicit) = ParseHistogram(text, ref position);
        }

        into.Add(new Point(null, current, isExplicit));
        var times = TimesItem().Match(text, position);
        if (!times.Success || times.Index != position)
        {
            return;
        }

        position += times.Length;
        for (var i = 0; i < int.Parse(times.Groups[1].Value, CultureInfo.InvariantCulture); i++)
        {
            current = current.Copy();
            if (step is not null)
            {
                Assert.Equal(HistogramMismatch.None, subtract ? current.Subtract(step) : current.Add(step));
            }

            into.Add(new Point(null, current, isExplicit));
        }
    }

    private static (FloatHistogram Histogram, bool HintIsExplicit) ParseHistogram(string text, ref int position)
    {
        var end = text.IndexOf("}}", position, StringComparison.Ordinal);
        var histogram = new FloatHistogram();
        double[] positive = [], negative = [];
        int offset = 0, negativeOffset = 0;
        var isExplicit = false;
        foreach (Match field in HistogramField().Matches(text[(position + 2)..end]))
        {
            var value = field.Groups[2].Value;
            switch (field.Groups[1].Value)
            {
                case "schema": histogram.Schema = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "sum": histogram.Sum = ParseNumber(value); break;
                case "count": histogram.Count = ParseNumber(value); break;
                case "z_bucket": histogram.ZeroCount = ParseNumber(value); break;
                case "z_bucket_w": histogram.ZeroThreshold = ParseNumber(value); break;
                case "custom_values": histogram.CustomValues = Numbers(value); break;
                case "buckets": positive = Numbers(value); break;
                case "n_buckets": negative = Numbers(value); break;
                case "offset": offset = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "n_offset": negativeOffset = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "counter_reset_hint":
                    isExplicit = true;
                    histogram.ResetHint = value switch
                    {
                        "gauge" => CounterResetHint.Gauge,
                        "reset" => CounterResetHint.Reset,
                        "not_reset" => CounterResetHint.NotReset,
                        _ => CounterResetHint.Unknown,
                    };
                    break;
                default: throw new FormatException($"unknown histogram field {field.Value}");
            }
        }

        histogram.PositiveBuckets = positive;
        histogram.PositiveSpans = positive.Length > 0 ? [new BucketSpan(offset, (uint)positive.Length)] : [];
        histogram.NegativeBuckets = negative;
        histogram.NegativeSpans = negative.Length > 0 ? [new BucketSpan(negativeOffset, (uint)negative.Length)] : [];
        position = end + 2;
        return (histogram, isExplicit);
    }

    private static double[] Numbers(string list) =>
        [.. list.Trim('[', ']').Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ParseNumber)];

    [GeneratedRegex(@"^_(?:x(\d+))?$")]
    private static partial Regex GapItem();

    [GeneratedRegex(@"^(?<base>[+-]?(?:(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN]))(?:(?<step>[+-](?:(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN]))(?=x))?(?:x(?<times>\d+))?$")]
    private static partial Regex NumberItem();

    [GeneratedRegex(@"x(\d+)")]
    private static partial Regex TimesItem();

    [GeneratedRegex(@"([a-z_]+):(\[[^\]]*\]|[^\s\]]+)")]
    private static partial Regex HistogramField();
}

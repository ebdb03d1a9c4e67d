using System.Globalization;
using System.Text.RegularExpressions;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>A function call that yields a vector, at each of the times.</summary>
internal sealed class ReferenceFunctions(ReferenceEvaluator evaluator, CallExpr call, long[] times)
{
    private static readonly Dictionary<string, Func<double, double>> FloatFunctions = new(StringComparer.Ordinal)
    {
        ["abs"] = Math.Abs,
        ["ceil"] = Math.Ceiling,
        ["floor"] = Math.Floor,
        ["exp"] = Math.Exp,
        ["ln"] = Math.Log,
        ["log2"] = Math.Log2,
        ["log10"] = Math.Log10,
        ["sqrt"] = Math.Sqrt,
        ["sgn"] = v => v < 0 ? -1 : v > 0 ? 1 : v,
        ["sin"] = Math.Sin,
        ["cos"] = Math.Cos,
        ["tan"] = Math.Tan,
        ["asin"] = Math.Asin,
        ["acos"] = Math.Acos,
        ["atan"] = Math.Atan,
        ["sinh"] = Math.Sinh,
        ["cosh"] = Math.Cosh,
        ["tanh"] = Math.Tanh,
        ["asinh"] = Math.Asinh,
        ["acosh"] = Math.Acosh,
        ["atanh"] = Math.Atanh,
        ["deg"] = v => v * 180 / Math.PI,
        ["rad"] = v => v * Math.PI / 180,
        ["minute"] = v => Date(v).Minute,
        ["hour"] = v => Date(v).Hour,
        ["day_of_week"] = v => (int)Date(v).DayOfWeek,
        ["day_of_month"] = v => Date(v).Day,
        ["day_of_year"] = v => Date(v).DayOfYear,
        ["days_in_month"] = v => DateTime.DaysInMonth(Date(v).Year, Date(v).Month),
        ["month"] = v => Date(v).Month,
        ["year"] = v => Date(v).Year,
    };

    private static readonly Dictionary<string, Func<ReferenceHistogram, double>> HistogramFunctions = new(StringComparer.Ordinal)
    {
        ["histogram_count"] = h => h.Count,
        ["histogram_sum"] = h => h.Sum,
        ["histogram_avg"] = h => h.Sum / h.Count,
        ["histogram_stddev"] = h => Math.Sqrt(ReferenceQuantiles.Variance(h)),
        ["histogram_stdvar"] = ReferenceQuantiles.Variance,
    };

    private string Name => call.Function.Name;

    public List<Element>[] Evaluate()
    {
        if (call.Arguments.Any(a => a.Type == PromType.RangeVector))
        {
            return Name == "absent_over_time" ? AbsentOverTime() : OverRange();
        }

        if (FloatFunctions.TryGetValue(Name, out var function))
        {
            // Functions of dates take the time of the step when they have no argument.
            return call.Arguments.Count == 0 ? [.. times.Select(t => new List<Element> { new(LabelSet.Empty, function(t / 1000.0)) })] : Map((v, _) => function(v));
        }

        if (HistogramFunctions.TryGetValue(Name, out var ofHistogram))
        {
            return [.. Vector(0).Select(v => ReferenceEvaluator.Distinct(
                v.Where(e => !e.IsFloat).Select(e => new Element(ReferenceEvaluator.WithoutName(e.Labels), ofHistogram(e.Histogram!)))))];
        }

        return EvaluateOther();
    }

    private static DateTime Date(double seconds) => double.IsFinite(seconds) && Math.Abs(seconds) < 1e11
        ? DateTime.UnixEpoch.AddSeconds(Math.Truncate(seconds))
        : throw new AmbiguousException("no date");

    private List<Element>[] EvaluateOther()
    {
        switch (Name)
        {
            case "vector":
                return [.. Scalar(0).Select(v => new List<Element> { new(LabelSet.Empty, v) })];
            case "absent":
                return [.. Vector(0).Select(v => v.Count == 0 ? [new Element(PromisedLabels(), 1)] : new List<Element>())];
            case "sort" or "sort_desc":
                return [.. Vector(0).Select(v => v.Where(e => e.IsFloat).ToList())];
            case "timestamp":
                return Timestamps();
            case "round":
                var multiples = call.Arguments.Count > 1 ? Scalar(1) : [.. times.Select(_ => 1.0)];
                return Map((v, step) => Math.Floor((v * (1 / multiples[step])) + 0.5) / (1 / multiples[step]));
            case "clamp_min":
                var least = Scalar(1);
                return Map((v, step) => Math.Max(least[step], v));
            case "clamp_max":
                var most = Scalar(1);
                return Map((v, step) => Math.Min(most[step], v));
            case "clamp":
                var (low, high) = (Scalar(1), Scalar(2));
                return Map((v, step) => Math.Max(low[step], Math.Min(high[step], v)), step => high[step] < low[step]);
            case "label_replace":
                return Relabel(labels => Replaced(labels));
            case "label_join":
                return Relabel(labels => string.Join(Text(2), Enumerable.Range(3, call.Arguments.Count - 3).Select(i => labels.Get(Text(i)))));
            case "histogram_quantile":
                var q = Scalar(0);
                return Histograms(1, (h, step) => ReferenceQuantiles.Quantile(q[step], h), (b, step) => ReferenceQuantiles.Quantile(q[step], b));
            case "histogram_fraction":
                var (from, to) = (Scalar(0), Scalar(1));
                return Histograms(2, (h, step) => ReferenceQuantiles.Fraction(from[step], to[step], h), (b, step) => ReferenceQuantiles.Fraction(from[step], to[step], b));
            default:
                throw new InvalidOperationException($"no function: {Name}");
        }
    }

    private List<Element>[] Vector(int argument) => evaluator.Vectors(call.Arguments[argument], times);

    private double[] Scalar(int argument) => evaluator.Scalars(call.Arguments[argument], times);

    private string Text(int argument) => ((StringLiteral)call.Arguments[argument]).Value;

    private List<Element>[] Map(Func<double, int, double> map, Predicate<int>? isEmpty = null) => [.. Vector(0).Select((v, step) => ReferenceEvaluator.Distinct(
        v.Where(e => e.IsFloat && isEmpty?.Invoke(step) != true).Select(e => new Element(ReferenceEvaluator.WithoutName(e.Labels), map(e.Value, step)))))];

    private List<Element>[] OverRange()
    {
        var range = call.Arguments.First(a => a.Type == PromType.RangeVector);
        var scalars = call.Arguments.Where(a => a != range).Select(a => evaluator.Scalars(a, times)).ToList();
        var results = times.Select(_ => new List<Element>()).ToArray();
        var labels = new List<LabelSet>();
        foreach (var series in evaluator.Ranges(range, times))
        {
            var resultLabels = Name == "last_over_time" ? series.Labels : ReferenceEvaluator.WithoutName(series.Labels);
            var any = false;
            for (var step = 0; step < times.Length; step++)
            {
                if (series.Windows[step].Samples.Count > 0
                    && ReferenceRangeFunctions.Evaluate(Name, series.Windows[step], [.. scalars.Select(s => s[step])], times[step]) is { } result)
                {
                    results[step].Add(new Element(resultLabels, result.Value, result.Histogram));
                    any = true;
                }
            }

            if (any)
            {
                labels.Add(resultLabels);
            }
        }

        // Two series may not become one, even at different steps.
        ReferenceEvaluator.RequireDistinct(labels);
        return results;
    }

    private List<Element>[] AbsentOverTime()
    {
        var series = evaluator.Ranges(call.Arguments[0], times);
        return [.. times.Select((_, step) => series.Exists(s => s.Windows[step].Samples.Count > 0) ? [] : new List<Element> { new(PromisedLabels(), 1) })];
    }

    // What the equality matchers of a selector say about a series that is not there.
    private LabelSet PromisedLabels()
    {
        var argument = call.Arguments[0];
        while (argument is ParenExpr paren)
        {
            argument = paren.Inner;
        }

        var matchers = argument switch
        {
            VectorSelector selector => selector.Matchers,
            MatrixSelector matrix => matrix.Selector.Matchers,
            _ => [],
        };
        // The first equality of a label counts, unless another matcher of that label follows.
        var promised = new Dictionary<string, string>();
        var seen = new HashSet<string>();
        foreach (var matcher in matchers.Where(m => m.Name != "__name__"))
        {
            if (matcher.Type == MatchType.Equal && seen.Add(matcher.Name))
            {
                promised[matcher.Name] = matcher.Value;
            }
            else
            {
                promised.Remove(matcher.Name);
            }
        }

        return LabelSet.Of([.. promised.Select(l => (l.Key, l.Value))]);
    }

    private List<Element>[] Timestamps()
    {
        var argument = call.Arguments[0];
        while (argument is ParenExpr paren)
        {
            argument = paren.Inner;
        }

        return argument is VectorSelector selector
            ? [.. times.Select(t => ReferenceEvaluator.Distinct(evaluator.Select(selector, t)
                .Select(s => new Element(ReferenceEvaluator.WithoutName(s.Element.Labels), s.TimestampMs / 1000.0))))]
            : [.. Vector(0).Select((v, step) => ReferenceEvaluator.Distinct(v.Select(e => new Element(ReferenceEvaluator.WithoutName(e.Labels), times[step] / 1000.0))))];
    }

    private string? Replaced(LabelSet labels)
    {
        var match = Regex.Match(labels.Get(Text(3)), $"^(?s:{Text(4)})$");
        return match.Success
            ? Regex.Replace(Text(2), @"\$(\d+)|\$\{(\d+)\}", reference => match.Groups[int.Parse(reference.Groups[1].Value + reference.Groups[2].Value, CultureInfo.InvariantCulture)].Value)
            : null;
    }

    // Sets a label; null leaves the element as it is. Two series may not become one, even at different steps.
    private List<Element>[] Relabel(Func<LabelSet, string?> value)
    {
        LabelSet Changed(LabelSet labels) => value(labels) is { } text ? new LabelSetBuilder(labels).Set(Text(1), text).Build() : labels;
        var vectors = Vector(0);
        ReferenceEvaluator.RequireDistinct(vectors.SelectMany(v => v).Select(e => e.Labels).Distinct().Select(Changed));
        return [.. vectors.Select(v => v.ConvertAll(e => e with { Labels = Changed(e.Labels) }))];
    }

    // Native histograms one by one, classic ones from the buckets that differ in nothing but le.
    private List<Element>[] Histograms(int argument, Func<ReferenceHistogram, int, double> native, Func<List<(double Bound, double Count)>, int, double> classic) =>
        [.. Vector(argument).Select((vector, step) =>
        {
            var results = new List<Element>();
            foreach (var group in vector.GroupBy(e => e.IsFloat ? new LabelSetBuilder(e.Labels).Remove("le").Build() : e.Labels))
            {
                var labels = ReferenceEvaluator.WithoutName(group.Key);
                var histogram = group.FirstOrDefault(e => !e.IsFloat)?.Histogram;
                List<(double Bound, double Count)> buckets = [.. group.Where(e => e.IsFloat && Bound(e) is not null).Select(e => (Bound(e)!.Value, e.Value)).OrderBy(b => b.Item1)];
                if (histogram is not null && buckets.Count == 0)
                {
                    results.Add(new Element(labels, native(histogram, step)));
                }
                else if (histogram is null && buckets.Count > 0)
                {
                    results.Add(new Element(labels, classic(buckets, step)));
                }
            }

            return ReferenceEvaluator.Distinct(results);
        })];

    private static double? Bound(Element element) => element.Labels.Get("le") switch
    {
        "+Inf" => double.PositiveInfinity,
        var text => double.TryParse(text, CultureInfo.InvariantCulture, out var bound) ? bound : null,
    };
}

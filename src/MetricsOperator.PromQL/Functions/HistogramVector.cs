using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Functions;

/// <summary>A function of the buckets of one classic histogram, sorted by bound; it may change them.</summary>
internal delegate double ClassicFunction(Span<ClassicBucket> buckets, int step, string metricName);

/// <summary>
/// A vector taken as histograms: series with an <c>le</c> label form classic histograms, native ones stand for themselves. Where both
/// have the same labels at a step, neither counts.
/// </summary>
internal sealed class HistogramVector
{
    private readonly FunctionCall _call;
    private readonly PositionRange _position;
    private readonly List<Group> _groups = [];

    private HistogramVector(FunctionCall call, int argument)
    {
        _call = call;
        _position = call.Position(argument);
    }

    public static HistogramVector Read(FunctionCall call, int argument)
    {
        var vector = new HistogramVector(call, argument);
        var withoutBound = LabelProjection.Dropping([LabelNames.Bucket]);
        var all = LabelProjection.All();
        var keys = new LabelIndex();
        foreach (var column in call.Stream(argument))
        {
            var hides = call.Query.HidesReserved(column);
            if (!column.Present.IsEmpty)
            {
                vector.AddBucket(column, keys, withoutBound, hides);
            }

            if (column.Histograms is not null)
            {
                vector.GroupOf(keys, all, column, hides).Native = column;
            }
        }

        return vector;
    }

    /// <summary>One column per histogram.</summary>
    public IEnumerable<Column> Evaluate(Func<Timeseries.Histograms.FloatHistogram, int, string, double> native, ClassicFunction classic) =>
        ColumnMerger.Merge(_call.Evaluator, EvaluateAll(native, classic));

    private IEnumerable<Column> EvaluateAll(Func<Timeseries.Histograms.FloatHistogram, int, string, double> native, ClassicFunction classic)
    {
        var released = new HashSet<Column>();
        foreach (var group in _groups)
        {
            var result = new Column(group.Labels, _call.Frame.Steps, dropName: true);
            _call.Query.Budget.ThrowIfStopped();
            group.Buckets.Sort((a, b) => a.UpperBound.CompareTo(b.UpperBound));
            Fill(group, result, native, classic);
            foreach (var (_, column) in group.Buckets)
            {
                if (released.Add(column))
                {
                    _call.Query.Budget.Release(column);
                }
            }

            if (group.Native is not null && released.Add(group.Native))
            {
                _call.Query.Budget.Release(group.Native);
            }

            if (result.IsEmpty)
            {
                result.Release();
                continue;
            }

            _call.Query.Budget.Charge(result);
            yield return result;
        }
    }

    private void Fill(
        Group group, Column result, Func<Timeseries.Histograms.FloatHistogram, int, string, double> native, ClassicFunction classic)
    {
        var name = group.Labels.MetricName;
        var buffer = new ClassicBucket[group.Buckets.Count];
        for (var step = 0; step < result.Steps; step++)
        {
            var count = 0;
            foreach (var (bound, column) in group.Buckets)
            {
                if (column.Present[step])
                {
                    buffer[count++] = new ClassicBucket(bound, column.Values[step]);
                }
            }

            var histogram = group.Native?.HistogramAt(step);
            if (histogram is not null && count > 0)
            {
                _call.Query.Annotations.Warn(
                    $"vector contains a mix of classic and native histograms for metric name {StringLiterals.Quote(name)}", _position);
            }
            else if (histogram is not null)
            {
                result.Set(step, native(histogram, step, name));
            }
            else if (count > 0)
            {
                result.Set(step, classic(buffer.AsSpan(0, count), step, name));
            }
        }
    }

    private void AddBucket(Column column, LabelIndex keys, LabelProjection withoutBound, bool hides)
    {
        var text = column.Labels.Get(LabelNames.Bucket);
        if (GoNumbers.TryParseFloat(text) is { } bound)
        {
            GroupOf(keys, withoutBound, column, hides).Buckets.Add((bound, column));
            return;
        }

        _call.Query.Annotations.Warn(
            $"bucket label \"le\" is missing or has a malformed value of {StringLiterals.Quote(text)} for metric name "
            + StringLiterals.Quote(column.Labels.MetricName),
            _position);
    }

    private Group GroupOf(LabelIndex keys, LabelProjection projection, Column column, bool hides)
    {
        var key = keys.GetOrAdd(projection.Pick(column.Labels, hides), out var isNew);
        if (isNew)
        {
            _groups.Add(new Group(projection.ToLabels(column.Labels, hides)));
        }

        return _groups[key];
    }

    private sealed class Group(LabelSet labels)
    {
        public LabelSet Labels { get; } = labels;

        public List<(double UpperBound, Column Column)> Buckets { get; } = [];

        public Column? Native { get; set; }
    }
}

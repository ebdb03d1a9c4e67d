using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.PromQL.Functions;

/// <summary>
/// info: copies data labels from info metrics (<c>target_info</c> by default) with the same instance and job. Of several info series of
/// one metric the one with the latest sample counts, so that a label change shows at the right step.
/// </summary>
internal sealed class InfoFunction
{
    private static readonly string[] IdentifyingLabels = [LabelNames.Instance, LabelNames.Job];

    private readonly FunctionCall _call;
    private readonly IReadOnlyList<LabelMatcher> _names;
    private readonly IReadOnlyList<LabelMatcher> _data;
    private readonly LabelProjection _identity = LabelProjection.Keeping(IdentifyingLabels);
    private readonly LabelIndex _keys = new();
    private readonly List<List<(string Name, Column Times)>> _infos = [];

    private InfoFunction(FunctionCall call)
    {
        _call = call;
        IReadOnlyList<LabelMatcher> matchers = call.ArgumentCount > 1 ? ((VectorSelector)call.Argument(1)).Matchers : [];
        _data = [.. matchers.Where(m => m.Name != LabelNames.MetricName)];
        _names = [.. matchers.Where(m => m.Name == LabelNames.MetricName)];
        if (_names.Count == 0)
        {
            _names = [new LabelMatcher(MatchType.Equal, LabelNames.MetricName, "target_info")];
        }
    }

    /// <exception cref="QueryExecutionException">Info series contradict each other or are histograms.</exception>
    public static IEnumerable<Column> Join(FunctionCall call)
    {
        var function = new InfoFunction(call);
        var bases = call.Vector(0);
        function.ReadInfos();
        return function.Join(bases);
    }

    private void ReadInfos()
    {
        var time = TimeOf(_call.Argument(0));
        var fixedTime = time is null ? null : _call.Query.Plan.FixedTime(time);
        var offset = time?.OffsetMs ?? 0;
        var first = (fixedTime ?? _call.Frame.StartMs) - offset;
        var step = fixedTime is null ? _call.Frame.StepMs : 0;
        var last = first + (step * (_call.Frame.Steps - 1));
        var hints = new SelectHints(first - _call.Query.LookbackMs + 1, last, step, 0, "info");
        var reader = new InstantReader(first, Math.Max(step, 1), fixedTime is null ? _call.Frame.Steps : 1, _call.Query.LookbackMs, yieldTimes: true);
        var series = _call.Query.Select([.. _names, .. _data], hints);
        while (series.MoveNext())
        {
            var column = new Column(series.Labels, fixedTime is null ? _call.Frame.Steps : 1);
            using (var samples = series.OpenReader())
            {
                reader.Read(samples, column, _call.Query.Budget);
            }

            if (column.IsEmpty)
            {
                continue;
            }

            if (reader.SawHistogram)
            {
                throw new QueryExecutionException($"this should be an info metric, with float samples: {series.Labels}");
            }

            var key = _keys.GetOrAdd(_identity.Pick(series.Labels, hideReserved: false), out var isNew);
            if (isNew)
            {
                _infos.Add([]);
            }

            _infos[key].Add((series.Labels.MetricName, column));
        }
    }

    // The info series are looked up at the time at which the base series are.
    private static TimeModifiers? TimeOf(Expr argument)
    {
        foreach (var node in argument.DescendantsAndSelf())
        {
            switch (node)
            {
                case SubqueryExpr subquery: return subquery.Time;
                case VectorSelector selector: return selector.Time;
            }
        }

        return null;
    }

    private IEnumerable<Column> Join(List<Column> bases)
    {
        var required = _data.Any(m => !m.MatchesEmpty);
        foreach (var column in bases)
        {
            var labels = _call.Query.VisibleLabels(column);
            if (_names.All(m => m.Matches(column.Labels)))
            {
                yield return column;
                continue;
            }

            var key = _keys.Find(_identity.Pick(labels, hideReserved: false));
            var results = new Dictionary<LabelSet, Column>();
            for (var step = 0; step < column.Steps; step++)
            {
                if (!column.Has(step))
                {
                    continue;
                }

                var enriched = key < 0 ? null : Enrich(labels, _infos[key], step);
                if (enriched is null && required)
                {
                    continue;
                }

                Copy(column, step, enriched ?? labels, results);
            }

            _call.Query.Budget.Release(column);
            foreach (var result in results.Values)
            {
                _call.Query.Budget.Charge(result);
                yield return result;
            }
        }
    }

    private static void Copy(Column column, int step, LabelSet labels, Dictionary<LabelSet, Column> results)
    {
        if (!results.TryGetValue(labels, out var result))
        {
            results.Add(labels, result = new Column(labels, column.Steps, column.DropName));
        }

        if (column.HistogramAt(step) is { } histogram)
        {
            result.Set(step, histogram);
        }
        else
        {
            result.Set(step, column.Values[step]);
        }
    }

    // The labels with those of the info series at a step; null if no info series is there.
    private LabelSet? Enrich(LabelSet labels, List<(string Name, Column Times)> infos, int step)
    {
        var added = new Dictionary<string, string>(StringComparer.Ordinal);
        var found = false;
        foreach (var group in infos.Where(i => i.Times.Present[Math.Min(step, i.Times.Steps - 1)]).GroupBy(i => i.Name))
        {
            found = true;
            var latest = group.MaxBy(i => i.Times.Values[Math.Min(step, i.Times.Steps - 1)]).Times.Labels;
            foreach (var (name, value) in latest.ToPairs())
            {
                if (name == LabelNames.MetricName || IdentifyingLabels.Contains(name) || labels.Has(name)
                    || (_data.Count > 0 && !_data.Any(m => m.Name == name)))
                {
                    continue;
                }

                if (added.TryGetValue(name, out var other) && other != value)
                {
                    throw new QueryExecutionException($"conflicting label: {name}");
                }

                added[name] = value;
            }
        }

        if (!found)
        {
            return null;
        }

        var builder = new LabelSetBuilder(labels);
        foreach (var (name, value) in added)
        {
            builder.Set(name, value);
        }

        return builder.Build();
    }
}

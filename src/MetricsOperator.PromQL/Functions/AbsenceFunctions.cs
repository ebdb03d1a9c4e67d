using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.PromQL.Functions;

/// <summary>absent, and what it shares with absent_over_time.</summary>
internal static class AbsenceFunctions
{
    public static IEnumerable<Column> Absent(FunctionCall call)
    {
        var seen = new StepMask(call.Frame.Steps);
        foreach (var column in call.Stream(0))
        {
            seen.Or(column.Occupied());
            call.Query.Budget.Release(column);
        }

        return Missing(call, seen);
    }

    /// <summary>A column with 1 at the steps that were not seen; its labels are what the selector's equality matchers promise.</summary>
    public static IEnumerable<Column> Missing(FunctionCall call, StepMask seen)
    {
        var column = new Column(LabelsOf(call.Argument(0)), call.Frame.Steps);
        column.Values.Fill(1);
        column.Present.SetRange(0, call.Frame.Steps);
        column.Present.AndNot(seen);
        if (column.IsEmpty)
        {
            column.Release();
            return [];
        }

        call.Query.Budget.Charge(column);
        return [column];
    }

    // A label that has more than one matcher is unknown, even if they agree: Prometheus' behaviour.
    private static LabelSet LabelsOf(Expr argument)
    {
        var matchers = argument switch
        {
            VectorSelector selector => selector.Matchers,
            MatrixSelector matrix => matrix.Selector.Matchers,
            _ => [],
        };
        var labels = new LabelSetBuilder();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var matcher in matchers.Where(m => m.Name != LabelNames.MetricName))
        {
            if (matcher.Type == MatchType.Equal && seen.Add(matcher.Name))
            {
                labels.Set(matcher.Name, matcher.Value);
            }
            else
            {
                labels.Remove(matcher.Name);
            }
        }

        return labels.Build();
    }
}

using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary>Assigns columns to the groups of <c>by</c> and <c>without</c>.</summary>
internal sealed class Grouping(QueryContext query, AggregateExpr aggregate)
{
    private readonly LabelIndex _keys = new();
    private readonly List<(LabelSet Labels, bool DropName)> _groups = [];
    private readonly LabelProjection _projection = aggregate.Without
        ? LabelProjection.Dropping([.. aggregate.Grouping, LabelNames.MetricName])
        : LabelProjection.Keeping(aggregate.Grouping);

    public int Count => _groups.Count;

    /// <summary>The number of a column's group.</summary>
    public int Of(Column column, out bool isNew)
    {
        var hides = query.HidesReserved(column);
        var group = _keys.GetOrAdd(_projection.Pick(column.Labels, hides), out isNew);
        if (isNew)
        {
            // While name removal is delayed, a group is as nameless as its first series.
            _groups.Add((_projection.ToLabels(column.Labels, hides), column.DropName && query.DelayedNameRemoval));
        }

        return group;
    }

    /// <summary>An empty column with the labels of a group.</summary>
    public Column NewColumn(int group, int steps) => new(_groups[group].Labels, steps, _groups[group].DropName);
}

using MetricsOperator.Timeseries.Hashing;

namespace MetricsOperator.PromQL.Engine;

/// <summary>
/// Joins columns that got equal labels because their names were dropped: they are one series as long as no step has both of them.
/// </summary>
internal static class ColumnMerger
{
    private const string Duplicate = "vector cannot contain metrics with the same labelset";

    /// <exception cref="QueryExecutionException">Two columns have the same labels at the same step.</exception>
    public static IEnumerable<Column> Merge(Evaluator evaluator, IEnumerable<Column> columns)
    {
        var query = evaluator.Query;
        if (query.DelayedNameRemoval && evaluator.Frame.Steps == 1)
        {
            return columns;
        }

        return MergeAll(query, columns);
    }

    /// <summary>Passes columns on and fails on the second one with the same labels, whatever its steps.</summary>
    /// <exception cref="QueryExecutionException">Two columns have the same labels.</exception>
    public static IEnumerable<Column> RequireDistinct(Evaluator evaluator, IEnumerable<Column> columns)
    {
        var query = evaluator.Query;
        if (query.DelayedNameRemoval)
        {
            foreach (var column in columns)
            {
                yield return column;
            }

            yield break;
        }

        var seen = new HashSet<(ulong, ulong)>();
        var all = LabelProjection.All();
        foreach (var column in columns)
        {
            // Two hashes of 64 bits stand for the labels: keeping those of all series would take more than the rest of the query.
            var hides = query.HidesReserved(column);
            var labels = hides ? LabelProjection.BehindName(column.Labels) : column.Labels.Encoded;
            if (labels.IsEmpty)
            {
                labels = all.Pick(column.Labels, hides);
            }

            if (!seen.Add(StableHash.Hash128(labels)))
            {
                throw new QueryExecutionException(Duplicate);
            }

            yield return column;
        }
    }

    /// <summary>Drops reserved labels for good and fails if that makes two columns equal.</summary>
    /// <exception cref="QueryExecutionException">Two columns have the same labels.</exception>
    public static List<Column> Finish(QueryContext query, List<Column> columns)
    {
        foreach (var column in columns)
        {
            if (column.DropName)
            {
                column.Labels = LabelProjection.WithoutReserved(column.Labels);
                column.DropName = false;
            }
        }

        var seen = new HashSet<Timeseries.Labels.LabelSet>();
        foreach (var column in columns)
        {
            if (!seen.Add(column.Labels))
            {
                throw new QueryExecutionException(Duplicate);
            }
        }

        return columns;
    }

    private static List<Column> MergeAll(QueryContext query, IEnumerable<Column> columns)
    {
        var seen = new LabelIndex();
        var all = LabelProjection.All();
        var merged = new List<Column>();
        foreach (var column in columns)
        {
            var index = seen.GetOrAdd(all.Pick(column.Labels, query.HidesReserved(column)), out var isNew);
            if (isNew)
            {
                merged.Add(column);
                continue;
            }

            Join(merged[index], column);
            merged[index].Charged += column.Charged;
            merged[index].ChargedBytes += column.ChargedBytes;
            column.Release();
        }

        return merged;
    }

    private static void Join(Column into, Column from)
    {
        for (var i = 0; i < from.Steps; i++)
        {
            if (!from.Has(i))
            {
                continue;
            }

            if (into.Has(i))
            {
                throw new QueryExecutionException(Duplicate);
            }

            if (from.HistogramAt(i) is { } histogram)
            {
                into.Set(i, histogram);
            }
            else
            {
                into.Set(i, from.Values[i]);
            }
        }
    }
}

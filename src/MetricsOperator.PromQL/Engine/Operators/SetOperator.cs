using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Engine.Operators;

/// <summary><c>and</c>, <c>or</c>, <c>unless</c>: they look only at which match keys are present on the other side at a step.</summary>
internal static class SetOperator
{
    public static IEnumerable<Column> Evaluate(Evaluator evaluator, BinaryExpr binary)
    {
        var query = evaluator.Query;
        var left = evaluator.Vector(binary.Left);
        var right = evaluator.Vector(binary.Right);
        var projection = MatchKey.Projection(binary.Matching!);
        var presence = new Presence(query, projection, binary.Operator == BinaryOperator.Or ? left : right, evaluator.Frame.Steps);
        if (binary.Operator == BinaryOperator.Or)
        {
            foreach (var column in right)
            {
                if (presence.Find(column) is { } taken)
                {
                    column.Remove(taken);
                }
            }

            return ColumnMerger.Merge(evaluator, [.. left, .. NotEmpty(query, right)]);
        }

        foreach (var column in left)
        {
            var found = presence.Find(column);
            if (binary.Operator == BinaryOperator.And)
            {
                column.Keep(found ?? new StepMask(column.Steps));
            }
            else if (found is not null)
            {
                column.Remove(found.Value);
            }
        }

        foreach (var column in right)
        {
            query.Budget.Release(column);
        }

        return NotEmpty(query, left);
    }

    private static List<Column> NotEmpty(QueryContext query, List<Column> columns)
    {
        var kept = new List<Column>(columns.Count);
        foreach (var column in columns)
        {
            if (column.IsEmpty)
            {
                query.Budget.Release(column);
            }
            else
            {
                kept.Add(column);
            }
        }

        return kept;
    }

    /// <summary>At which steps each match key occurs.</summary>
    private sealed class Presence
    {
        private readonly QueryContext _query;
        private readonly LabelProjection _projection;
        private readonly LabelIndex _keys = new();
        private readonly List<StepMask> _masks = [];

        public Presence(QueryContext query, LabelProjection projection, List<Column> columns, int steps)
        {
            _query = query;
            _projection = projection;
            foreach (var column in columns)
            {
                var key = _keys.GetOrAdd(projection.Pick(column.Labels, query.HidesReserved(column)), out var isNew);
                if (isNew)
                {
                    _masks.Add(new StepMask(steps));
                }

                var mask = _masks[key];
                mask.Or(column.Occupied());
                _masks[key] = mask;
            }
        }

        public StepMask? Find(Column column)
        {
            var key = _keys.Find(_projection.Pick(column.Labels, _query.HidesReserved(column)));
            return key < 0 ? null : _masks[key];
        }
    }
}

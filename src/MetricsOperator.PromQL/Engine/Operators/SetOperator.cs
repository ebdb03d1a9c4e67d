using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Engine.Operators;

/// <summary><c>and</c>, <c>or</c>, <c>unless</c>: they look only at which match keys are present on the other side at a step.</summary>
internal static class SetOperator
{
    public static IEnumerable<Column> Evaluate(Evaluator evaluator, BinaryExpr binary) => binary.Operator == BinaryOperator.Or
        ? ColumnMerger.Merge(evaluator, Or(evaluator, binary))
        : AndUnless(evaluator, binary);

    private static IEnumerable<Column> Or(Evaluator evaluator, BinaryExpr binary)
    {
        var presence = new Presence(evaluator.Query, binary);
        foreach (var column in evaluator.Stream(binary.Left))
        {
            presence.Add(column);
            yield return column;
        }

        foreach (var column in evaluator.Stream(binary.Right))
        {
            if (presence.Find(column) is { } taken)
            {
                column.Remove(taken);
            }

            if (!column.IsEmpty)
            {
                yield return column;
                continue;
            }

            evaluator.Query.Budget.Release(column);
        }
    }

    private static IEnumerable<Column> AndUnless(Evaluator evaluator, BinaryExpr binary)
    {
        var presence = new Presence(evaluator.Query, binary);
        foreach (var column in evaluator.Stream(binary.Right))
        {
            presence.Add(column);
            evaluator.Query.Budget.Release(column);
        }

        foreach (var column in evaluator.Stream(binary.Left))
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

            if (!column.IsEmpty)
            {
                yield return column;
                continue;
            }

            evaluator.Query.Budget.Release(column);
        }
    }

    /// <summary>At which steps each match key occurs.</summary>
    private sealed class Presence(QueryContext query, BinaryExpr binary)
    {
        private readonly LabelProjection _projection = MatchKey.Projection(binary.Matching!);
        private readonly LabelIndex _keys = new();
        private readonly List<StepMask> _masks = [];

        public void Add(Column column)
        {
            var steps = column.Occupied();
            var key = _keys.GetOrAdd(Key(column), out var isNew);
            if (isNew)
            {
                // The key and its steps.
                query.Budget.ChargeBytes(96 + (column.Steps / 8));
                _masks.Add(steps);
                return;
            }

            steps.Or(_masks[key]);
            _masks[key] = steps;
        }

        public StepMask? Find(Column column)
        {
            var key = _keys.Find(Key(column));
            return key < 0 ? null : _masks[key];
        }

        private ReadOnlySpan<byte> Key(Column column) => _projection.Pick(column.Labels, query.HidesReserved(column));
    }
}

using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Engine.Operators;

/// <summary>Operators between a vector and a scalar, and unary minus; they change columns in place.</summary>
internal static class VectorScalarOperator
{
    public static IEnumerable<Column> Evaluate(Evaluator evaluator, BinaryExpr binary, bool scalarOnLeft)
    {
        var scalars = evaluator.Scalar(scalarOnLeft ? binary.Left : binary.Right);
        var vector = evaluator.Stream(scalarOnLeft ? binary.Right : binary.Left);
        var dropName = binary.ReturnBool || !binary.Operator.IsComparison();
        var columns = Apply(evaluator, binary, scalars, vector, scalarOnLeft, dropName);
        return dropName ? ColumnMerger.Merge(evaluator, columns) : columns;
    }

    public static IEnumerable<Column> Negate(Evaluator evaluator, IEnumerable<Column> columns) => ColumnMerger.RequireDistinct(evaluator, Negated(columns));

    private static IEnumerable<Column> Negated(IEnumerable<Column> columns)
    {
        foreach (var column in columns)
        {
            foreach (ref var value in column.Values)
            {
                value = -value;
            }

            for (var i = 0; column.Histograms is not null && i < column.Steps; i++)
            {
                if (column.Histograms[i] is { } histogram)
                {
                    column.Histograms[i] = histogram.Copy().Multiply(-1);
                }
            }

            column.DropName = true;
            yield return column;
        }
    }

    private static IEnumerable<Column> Apply(
        Evaluator evaluator, BinaryExpr binary, double[] scalars, IEnumerable<Column> vector, bool scalarOnLeft, bool dropName)
    {
        foreach (var column in vector)
        {
            ApplyFloats(binary, column, scalars, scalarOnLeft);
            if (column.Histograms is not null)
            {
                ApplyHistograms(evaluator, binary, column, scalars, scalarOnLeft);
            }

            if (column.IsEmpty)
            {
                evaluator.Query.Budget.Release(column);
                continue;
            }

            column.DropName |= dropName;
            yield return column;
        }
    }

    private static void ApplyFloats(BinaryExpr binary, Column column, double[] scalars, bool scalarOnLeft)
    {
        var op = binary.Operator;
        var values = column.Values;
        if (!op.IsComparison())
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = scalarOnLeft ? FloatOperator.Compute(op, scalars[i], values[i]) : FloatOperator.Compute(op, values[i], scalars[i]);
            }

            return;
        }

        for (var i = 0; i < values.Length; i++)
        {
            if (!column.Present[i])
            {
                continue;
            }

            var holds = scalarOnLeft ? FloatOperator.Holds(op, scalars[i], values[i]) : FloatOperator.Holds(op, values[i], scalars[i]);
            if (binary.ReturnBool)
            {
                values[i] = holds ? 1 : 0;
            }
            else if (!holds)
            {
                column.Present.Clear(i);
            }
        }
    }

    private static void ApplyHistograms(Evaluator evaluator, BinaryExpr binary, Column column, double[] scalars, bool scalarOnLeft)
    {
        var element = new ElementOperator(binary.Operator, binary.Position, evaluator.Query.Annotations);
        for (var i = 0; i < column.Steps; i++)
        {
            if (column.Histograms![i] is not { } histogram)
            {
                continue;
            }

            FloatHistogram? result;
            var found = scalarOnLeft
                ? element.TryApply(scalars[i], null, 0, histogram, out result, out _)
                : element.TryApply(0, histogram, scalars[i], null, out result, out _);
            column.Histograms[i] = found ? result : null;
        }
    }
}

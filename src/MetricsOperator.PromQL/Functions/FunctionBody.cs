using MetricsOperator.PromQL.Engine;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Functions;

/// <summary>How a function is computed. Functions of vectors and ranges yield columns, functions that return a scalar yield values by step.</summary>
internal abstract class FunctionBody
{
    public virtual IEnumerable<Column> Columns(FunctionCall call) =>
        throw new InvalidOperationException($"{call.Name} does not return a vector");

    public virtual double[] Scalar(FunctionCall call) => throw new InvalidOperationException($"{call.Name} does not return a scalar");

    /// <summary>Maps the floats of a vector one by one; histograms are left out and the name is dropped.</summary>
    public sealed class Floats(Func<double, double> map) : FunctionBody
    {
        public override IEnumerable<Column> Columns(FunctionCall call) => ColumnMerger.Merge(call.Evaluator, Map(call));

        private IEnumerable<Column> Map(FunctionCall call)
        {
            foreach (var column in call.Stream(0))
            {
                column.DropHistograms();
                if (column.IsEmpty)
                {
                    call.Query.Budget.Release(column);
                    continue;
                }

                foreach (ref var value in column.Values)
                {
                    value = map(value);
                }

                column.DropName = true;
                yield return column;
            }
        }
    }

    /// <summary>Computes columns from arguments; with <paramref name="merge"/> the result may hold equal labels at different steps.</summary>
    public sealed class Vector(Func<FunctionCall, IEnumerable<Column>> compute, bool merge = false) : FunctionBody
    {
        public override IEnumerable<Column> Columns(FunctionCall call) =>
            merge ? ColumnMerger.Merge(call.Evaluator, compute(call)) : compute(call);
    }

    /// <summary>Computes one value by step.</summary>
    public sealed class Scalars(Func<FunctionCall, double[]> compute) : FunctionBody
    {
        public override double[] Scalar(FunctionCall call) => compute(call);
    }

    /// <summary>A column without labels that has a value at every step.</summary>
    public static Column Constant(FunctionCall call, ReadOnlySpan<double> values)
    {
        var column = new Column(LabelSet.Empty, call.Frame.Steps);
        values.CopyTo(column.Values);
        column.Present.SetRange(0, call.Frame.Steps);
        call.Query.Budget.Charge(column);
        return column;
    }
}

using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Functions;

/// <summary>Evaluation time, sample times and parts of dates in UTC.</summary>
internal static class TimeFunctions
{
    private const double MinSeconds = -62135596800;
    private const double MaxSeconds = 253402300799;

    public static double[] Time(FunctionCall call)
    {
        var result = new double[call.Frame.Steps];
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = call.Frame.At(i) / 1000.0;
        }

        return result;
    }

    /// <summary>The time of the sample when the argument is a selector, else the evaluation time.</summary>
    public static IEnumerable<Column> Timestamp(FunctionCall call)
    {
        var isSelector = call.Argument(0) is VectorSelector;
        var columns = call.Argument(0) is VectorSelector selector ? call.Evaluator.StreamSelector(selector, yieldTimes: true) : call.Stream(0);
        foreach (var column in columns)
        {
            if (!isSelector)
            {
                for (var i = 0; i < column.Steps; i++)
                {
                    if (column.Has(i))
                    {
                        column.Set(i, call.Frame.At(i) / 1000.0);
                    }
                }

                column.DropHistograms();
            }

            column.DropName = true;
            yield return column;
        }
    }

    /// <summary>A function of the date that each value stands for, in seconds since 1970; of the evaluation time without argument.</summary>
    public static FunctionBody Part(Func<DateTime, double> part) => new FunctionBody.Vector(call => Parts(call, part), merge: true);

    private static IEnumerable<Column> Parts(FunctionCall call, Func<DateTime, double> part)
    {
        var columns = call.ArgumentCount == 0 ? [FunctionBody.Constant(call, Time(call))] : call.Stream(0);
        foreach (var column in columns)
        {
            column.DropHistograms();
            if (column.IsEmpty)
            {
                call.Query.Budget.Release(column);
                continue;
            }

            foreach (ref var value in column.Values)
            {
                var seconds = Math.Truncate(value);
                value = seconds >= MinSeconds && seconds <= MaxSeconds ? part(DateTime.UnixEpoch.AddSeconds(seconds)) : double.NaN;
            }

            column.DropName = true;
            yield return column;
        }
    }
}

using MetricsOperator.PromQL.Engine;

namespace MetricsOperator.PromQL.Functions;

/// <summary>Functions of floats that take more than one argument, and conversions between scalars and vectors.</summary>
internal static class MathFunctions
{
    public static double Sign(double value) => value < 0 ? -1 : value > 0 ? 1 : value;

    public static IEnumerable<Column> Clamp(FunctionCall call)
    {
        var low = call.Scalar(1);
        var high = call.Scalar(2);
        return Map(call, (column, step, value) =>
        {
            if (high[step] < low[step])
            {
                column.Present.Clear(step);
            }

            return Math.Max(low[step], Math.Min(high[step], value));
        });
    }

    public static IEnumerable<Column> ClampMin(FunctionCall call)
    {
        var low = call.Scalar(1);
        return Map(call, (_, step, value) => Math.Max(low[step], value));
    }

    public static IEnumerable<Column> ClampMax(FunctionCall call)
    {
        var high = call.Scalar(1);
        return Map(call, (_, step, value) => Math.Min(high[step], value));
    }

    /// <summary>Rounds to multiples, halves up; the inverse keeps 0.1 and the like exact.</summary>
    public static IEnumerable<Column> Round(FunctionCall call)
    {
        var multiples = call.ArgumentCount > 1 ? call.Scalar(1) : null;
        return Map(call, (_, step, value) =>
        {
            var inverse = 1 / (multiples is null ? 1 : multiples[step]);
            return Math.Floor((value * inverse) + 0.5) / inverse;
        });
    }

    /// <summary>The value of the only float of a vector, or NaN.</summary>
    public static double[] Scalar(FunctionCall call)
    {
        var result = new double[call.Frame.Steps];
        var counts = new int[call.Frame.Steps];
        foreach (var column in call.Stream(0))
        {
            var values = column.Values;
            for (var i = 0; i < values.Length; i++)
            {
                if (column.Present[i])
                {
                    result[i] = values[i];
                    counts[i]++;
                }
            }

            call.Query.Budget.Release(column);
        }

        for (var i = 0; i < result.Length; i++)
        {
            result[i] = counts[i] == 1 ? result[i] : double.NaN;
        }

        return result;
    }

    public static IEnumerable<Column> Vector(FunctionCall call) => [FunctionBody.Constant(call, call.Scalar(0))];

    public static double[] Pi(FunctionCall call)
    {
        var result = new double[call.Frame.Steps];
        Array.Fill(result, Math.PI);
        return result;
    }

    private static IEnumerable<Column> Map(FunctionCall call, Func<Column, int, double, double> map)
    {
        foreach (var column in call.Stream(0))
        {
            column.DropHistograms();
            for (var i = 0; i < column.Steps; i++)
            {
                if (column.Present[i])
                {
                    column.Values[i] = map(column, i, column.Values[i]);
                }
            }

            if (column.IsEmpty)
            {
                call.Query.Budget.Release(column);
                continue;
            }

            column.DropName = true;
            yield return column;
        }
    }
}

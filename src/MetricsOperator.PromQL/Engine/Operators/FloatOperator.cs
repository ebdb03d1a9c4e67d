using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Engine.Operators;

/// <summary>Binary operators on floats.</summary>
internal static class FloatOperator
{
    /// <summary>The value of an arithmetic operator; for comparisons the left operand.</summary>
    public static double Compute(BinaryOperator op, double left, double right) => op switch
    {
        BinaryOperator.Add => left + right,
        BinaryOperator.Sub => left - right,
        BinaryOperator.Mul => left * right,
        BinaryOperator.Div => left / right,
        BinaryOperator.Mod => left % right,
        BinaryOperator.Pow => Math.Pow(left, right),
        BinaryOperator.Atan2 => Math.Atan2(left, right),
        _ => left,
    };

    /// <summary>The truth of a comparison; true for other operators.</summary>
    public static bool Holds(BinaryOperator op, double left, double right) => op switch
    {
        BinaryOperator.Equal => left == right,
        BinaryOperator.NotEqual => left != right,
        BinaryOperator.Greater => left > right,
        BinaryOperator.Less => left < right,
        BinaryOperator.GreaterOrEqual => left >= right,
        BinaryOperator.LessOrEqual => left <= right,
        _ => true,
    };

    /// <summary>Applies an operator between scalars, in place of the left ones; comparisons yield 0 or 1.</summary>
    public static double[] Apply(BinaryOperator op, double[] left, double[] right)
    {
        for (var i = 0; i < left.Length; i++)
        {
            left[i] = op.IsComparison() ? (Holds(op, left[i], right[i]) ? 1 : 0) : Compute(op, left[i], right[i]);
        }

        return left;
    }


}

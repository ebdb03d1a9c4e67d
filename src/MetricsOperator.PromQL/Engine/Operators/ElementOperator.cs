using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Engine.Operators;

/// <summary>Binary operators between two samples of which at least one is a histogram.</summary>
internal readonly struct ElementOperator(BinaryOperator op, PositionRange position, Annotations annotations)
{
    /// <summary>Applies the operator; false when the pair has no result (a remark says why) or the comparison does not hold.</summary>
    /// <param name="keep">False only for a comparison that does not hold.</param>
    /// <returns>False when the element must be left out even with <c>bool</c>.</returns>
    public bool TryApply(
        double leftValue, FloatHistogram? left, double rightValue, FloatHistogram? right, out FloatHistogram? result, out bool keep)
    {
        keep = true;
        result = null;
        if (left is null)
        {
            if (op == BinaryOperator.Mul)
            {
                result = right!.Copy().Multiply(leftValue).Compact();
                return true;
            }

            return Incompatible("float", "histogram");
        }

        if (right is null)
        {
            switch (op)
            {
                case BinaryOperator.Mul:
                    result = left.Copy().Multiply(rightValue).Compact();
                    return true;
                case BinaryOperator.Div:
                    result = left.Copy().Divide(rightValue).Compact();
                    return true;
                default:
                    return Incompatible("histogram", "float");
            }
        }

        switch (op)
        {
            case BinaryOperator.Add or BinaryOperator.Sub:
                result = left.Copy();
                if ((op == BinaryOperator.Add ? result.Add(right) : result.Subtract(right)) == HistogramMismatch.None)
                {
                    result.Compact();
                    return true;
                }

                annotations.Warn($"incompatible bucket layout encountered for binary operator {op.Symbol()}", position);
                return false;
            case BinaryOperator.Equal or BinaryOperator.NotEqual:
                result = left;
                keep = left.HasSameContent(right) == (op == BinaryOperator.Equal);
                return true;
            default:
                return Incompatible("histogram", "histogram");
        }
    }

    private bool Incompatible(string left, string right)
    {
        annotations.Inform(
            $"incompatible sample types encountered for binary operator {StringLiterals.Quote(op.Symbol())}: {left} {op.Symbol()} {right}", position);
        return false;
    }
}

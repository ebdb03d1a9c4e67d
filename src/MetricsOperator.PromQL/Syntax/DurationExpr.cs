namespace MetricsOperator.PromQL.Syntax;

/// <summary>Arithmetic on durations inside a range, a step or an offset; values are seconds.</summary>
public abstract class DurationExpr
{
    /// <summary>The value in seconds.</summary>
    /// <exception cref="DivideByZeroException">A division or modulo by zero.</exception>
    public abstract double Seconds();

    internal sealed class Literal(double seconds, bool isDuration) : DurationExpr
    {
        public override double Seconds() => seconds;

        public Literal Negate() => new(-seconds, isDuration);

        public override string ToString() =>
            isDuration ? Durations.Format((long)Math.Round(seconds * 1000)) : GoNumbers.Format(seconds);
    }

    internal sealed class Negated(DurationExpr operand) : DurationExpr
    {
        public override double Seconds() => -operand.Seconds();

        public override string ToString() => "-" + operand;
    }

    internal sealed class Grouped(DurationExpr operand) : DurationExpr
    {
        public override double Seconds() => operand.Seconds();

        public override string ToString() => $"({operand})";
    }

    internal sealed class Binary(BinaryOperator op, DurationExpr left, DurationExpr right) : DurationExpr
    {
        public override double Seconds()
        {
            var a = left.Seconds();
            var b = right.Seconds();
            return op switch
            {
                BinaryOperator.Add => a + b,
                BinaryOperator.Sub => a - b,
                BinaryOperator.Mul => a * b,
                BinaryOperator.Div => b != 0 ? a / b : throw new DivideByZeroException("division by zero"),
                BinaryOperator.Mod => b != 0 ? a % b : throw new DivideByZeroException("modulo by zero"),
                _ => Math.Pow(a, b),
            };
        }

        public override string ToString() => $"{left} {op.Symbol()} {right}";
    }
}

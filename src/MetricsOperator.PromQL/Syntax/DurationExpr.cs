using System.Text;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Arithmetic on durations inside a range, a step or an offset; values are seconds.</summary>
public abstract class DurationExpr
{
    /// <summary>Levels below and including this one. Evaluating and printing walk the tree recursively, so that the parser limits them.</summary>
    internal virtual int Depth => 1;

    /// <summary>The value in seconds.</summary>
    /// <exception cref="DivideByZeroException">A division or modulo by zero.</exception>
    public abstract double Seconds();

    public override string ToString()
    {
        var text = new StringBuilder();
        Print(text);
        return text.ToString();
    }

    internal abstract void Print(StringBuilder text);

    internal sealed class Literal(double seconds, bool isDuration) : DurationExpr
    {
        public override double Seconds() => seconds;

        public Literal Negate() => new(-seconds, isDuration);

        internal override void Print(StringBuilder text) =>
            text.Append(isDuration ? Durations.Format((long)Math.Round(seconds * 1000)) : GoNumbers.Format(seconds));
    }

    internal sealed class Negated(DurationExpr operand) : DurationExpr
    {
        internal override int Depth { get; } = operand.Depth + 1;

        public override double Seconds() => -operand.Seconds();

        internal override void Print(StringBuilder text)
        {
            text.Append('-');
            operand.Print(text);
        }
    }

    internal sealed class Grouped(DurationExpr operand) : DurationExpr
    {
        internal override int Depth { get; } = operand.Depth + 1;

        public override double Seconds() => operand.Seconds();

        internal override void Print(StringBuilder text)
        {
            text.Append('(');
            operand.Print(text);
            text.Append(')');
        }
    }

    internal sealed class Binary(BinaryOperator op, DurationExpr left, DurationExpr right) : DurationExpr
    {
        internal override int Depth { get; } = Math.Max(left.Depth, right.Depth) + 1;

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

        internal override void Print(StringBuilder text)
        {
            left.Print(text);
            text.Append(' ').Append(op.Symbol()).Append(' ');
            right.Print(text);
        }
    }
}

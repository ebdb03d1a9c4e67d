using MetricsOperator.Fuzz.Engine;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>Compares expression trees, positions apart.</summary>
internal static class ExprComparison
{
    /// <summary>What differs between two trees; null when they are equal.</summary>
    public static string? Difference(Expr left, Expr right)
    {
        if (left.GetType() != right.GetType())
        {
            return $"{left.GetType().Name} became {right.GetType().Name}";
        }

        if (!IsSameNode(left, right))
        {
            return $"a {left.GetType().Name} differs";
        }

        using var others = right.Children.GetEnumerator();
        foreach (var child in left.Children)
        {
            if (!others.MoveNext())
            {
                return $"a {left.GetType().Name} has lost an operand";
            }

            if (Difference(child, others.Current) is { } difference)
            {
                return difference;
            }
        }

        return others.MoveNext() ? $"a {left.GetType().Name} has got an operand" : null;
    }

    /// <summary>Adds the kinds of the first nodes to an outcome; returns how many nodes there are.</summary>
    public static int Shape(Expr expression, ref Outcome outcome)
    {
        var count = 0;
        foreach (var node in expression.DescendantsAndSelf())
        {
            if (count++ < 4)
            {
                outcome.AddMessage(node.GetType().Name);
            }

            if (count == 64)
            {
                break;
            }
        }

        return count;
    }

    private static bool IsSameNode(Expr left, Expr right) => (left, right) switch
    {
        (NumberLiteral a, NumberLiteral b) => a.IsDuration == b.IsDuration && a.Value.Equals(b.Value),
        (StringLiteral a, StringLiteral b) => a.Value == b.Value,
        (UnaryExpr a, UnaryExpr b) => a.Negate == b.Negate,
        (BinaryExpr a, BinaryExpr b) => a.Operator == b.Operator && a.ReturnBool == b.ReturnBool && IsSame(a.Matching, b.Matching),
        (AggregateExpr a, AggregateExpr b) => a.Operator == b.Operator && a.Without == b.Without && a.Grouping.SequenceEqual(b.Grouping)
            && a.Parameter is null == b.Parameter is null,
        (CallExpr a, CallExpr b) => a.Function.Name == b.Function.Name,
        (VectorSelector a, VectorSelector b) => IsSame(a, b),
        (MatrixSelector a, MatrixSelector b) => a.RangeMs == b.RangeMs && a.RangeExpression?.ToString() == b.RangeExpression?.ToString(),
        (SubqueryExpr a, SubqueryExpr b) => a.RangeMs == b.RangeMs && a.StepMs == b.StepMs && IsSame(a.Time, b.Time)
            && a.RangeExpression?.ToString() == b.RangeExpression?.ToString() && a.StepExpression?.ToString() == b.StepExpression?.ToString(),
        _ => true,
    };

    private static bool IsSame(VectorSelector a, VectorSelector b) => a.Name == b.Name && IsSame(a.Time, b.Time)
        && a.Matchers.Select(m => (m.Type, m.Name, m.Value)).Order().SequenceEqual(b.Matchers.Select(m => (m.Type, m.Name, m.Value)).Order());

    private static bool IsSame(TimeModifiers a, TimeModifiers b) => a.OffsetMs == b.OffsetMs && a.AtMs == b.AtMs && a.Anchor == b.Anchor
        && a.OffsetExpression?.ToString() == b.OffsetExpression?.ToString();

    private static bool IsSame(VectorMatching? a, VectorMatching? b) => a is null || b is null
        ? a is null && b is null
        : a.Cardinality == b.Cardinality && a.On == b.On && a.Labels.SequenceEqual(b.Labels) && a.Include.SequenceEqual(b.Include);
}

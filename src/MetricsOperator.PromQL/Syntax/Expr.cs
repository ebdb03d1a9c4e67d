using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>A node of a parsed expression. <see cref="object.ToString"/> prints PromQL that parses to an equal tree.</summary>
public abstract class Expr
{
    /// <summary>Where the expression stands in the query.</summary>
    public PositionRange Position { get; internal set; }

    /// <summary>What the expression yields.</summary>
    public abstract PromType Type { get; }

    /// <summary>Direct subexpressions, in the order of the text.</summary>
    public abstract IEnumerable<Expr> Children { get; }

    /// <summary>This node and everything below it, parents first.</summary>
    public IEnumerable<Expr> DescendantsAndSelf()
    {
        yield return this;
        foreach (var child in Children)
        {
            foreach (var node in child.DescendantsAndSelf())
            {
                yield return node;
            }
        }
    }

    public override string ToString() => ExprPrinter.Print(this);

    /// <summary>The same as <see cref="ToString"/>, with what is too long for a line laid out over several.</summary>
    public string ToPrettyString() => PrettyPrinter.Print(this);
}

/// <summary>A number, or a duration in seconds.</summary>
public sealed class NumberLiteral(double value, bool isDuration = false) : Expr
{
    public double Value { get; } = value;

    /// <summary>True if it was written as a duration such as <c>5m</c>.</summary>
    public bool IsDuration { get; } = isDuration;

    public override PromType Type => PromType.Scalar;

    public override IEnumerable<Expr> Children => [];
}

/// <summary>A string, unquoted.</summary>
public sealed class StringLiteral(string value) : Expr
{
    public string Value { get; } = value;

    public override PromType Type => PromType.String;

    public override IEnumerable<Expr> Children => [];
}

/// <summary>An expression in parentheses.</summary>
public sealed class ParenExpr(Expr inner) : Expr
{
    public Expr Inner { get; internal set; } = inner;

    public override PromType Type => Inner.Type;

    public override IEnumerable<Expr> Children => [Inner];
}

/// <summary><c>+x</c> or <c>-x</c>.</summary>
public sealed class UnaryExpr(bool negate, Expr operand) : Expr
{
    public bool Negate { get; } = negate;

    public Expr Operand { get; internal set; } = operand;

    public override PromType Type => Operand.Type;

    public override IEnumerable<Expr> Children => [Operand];
}

/// <summary>An operator between two expressions.</summary>
public sealed class BinaryExpr(BinaryOperator op, Expr left, Expr right) : Expr
{
    public BinaryOperator Operator { get; } = op;

    public Expr Left { get; internal set; } = left;

    public Expr Right { get; internal set; } = right;

    /// <summary>How series of two vectors find each other; null unless both sides are vectors.</summary>
    public VectorMatching? Matching { get; internal set; }

    /// <summary>A comparison that yields 0 or 1 instead of filtering.</summary>
    public bool ReturnBool { get; internal set; }

    public override PromType Type =>
        Left.Type == PromType.Scalar && Right.Type == PromType.Scalar ? PromType.Scalar : PromType.InstantVector;

    public override IEnumerable<Expr> Children => [Left, Right];
}

/// <summary>How many series of one side meet how many of the other.</summary>
public enum MatchCardinality : byte
{
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}

/// <summary>The <c>on</c>/<c>ignoring</c> and <c>group_left</c>/<c>group_right</c> part of a binary expression.</summary>
public sealed class VectorMatching
{
    public MatchCardinality Cardinality { get; internal set; }

    /// <summary>True for <c>on</c>; false for <c>ignoring</c> and for none.</summary>
    public bool On { get; internal set; }

    /// <summary>Labels of <c>on</c> or <c>ignoring</c>.</summary>
    public IReadOnlyList<string> Labels { get; internal set; } = [];

    /// <summary>Labels copied from the "one" side.</summary>
    public IReadOnlyList<string> Include { get; internal set; } = [];
}

/// <summary>An aggregation of an instant vector.</summary>
public sealed class AggregateExpr(AggregateOperator op, Expr operand, Expr? parameter, IReadOnlyList<string> grouping, bool without) : Expr
{
    public AggregateOperator Operator { get; } = op;

    public Expr Operand { get; internal set; } = operand;

    /// <summary>k, φ, the label or the ratio; null for aggregators without one.</summary>
    public Expr? Parameter { get; internal set; } = parameter;

    public IReadOnlyList<string> Grouping { get; } = grouping;

    /// <summary>True for <c>without</c>; <c>by</c> and no grouping are false.</summary>
    public bool Without { get; } = without;

    public override PromType Type => PromType.InstantVector;

    public override IEnumerable<Expr> Children => Parameter is null ? [Operand] : [Parameter, Operand];
}

/// <summary>A function call.</summary>
public sealed class CallExpr(FunctionSignature function, IReadOnlyList<Expr> arguments) : Expr
{
    public FunctionSignature Function { get; } = function;

    public IReadOnlyList<Expr> Arguments { get; internal set; } = arguments;

    public override PromType Type => Function.ReturnType;

    public override IEnumerable<Expr> Children => Arguments;
}

/// <summary>What <c>offset</c> and <c>@</c> say about the time of a selector or subquery.</summary>
public sealed class TimeModifiers
{
    /// <summary>The offset; positive looks back.</summary>
    public long OffsetMs { get; internal set; }

    /// <summary>The literal time of <c>@</c>, or null.</summary>
    public long? AtMs { get; internal set; }

    public AtAnchor Anchor { get; internal set; }

    /// <summary>The offset as an expression, when it is one; <see cref="OffsetMs"/> has its value.</summary>
    public DurationExpr? OffsetExpression { get; internal set; }
}

/// <summary>The preprocessor of <c>@ start()</c> and <c>@ end()</c>.</summary>
public enum AtAnchor : byte
{
    None,
    Start,
    End,
}

/// <summary>Selects series; the latest sample of each.</summary>
public sealed class VectorSelector(string name, IReadOnlyList<LabelMatcher> matchers) : Expr
{
    /// <summary>The metric name before the braces, or empty.</summary>
    public string Name { get; } = name;

    /// <summary>All matchers, the one of the metric name included.</summary>
    public IReadOnlyList<LabelMatcher> Matchers { get; } = matchers;

    public TimeModifiers Time { get; } = new();

    public override PromType Type => PromType.InstantVector;

    public override IEnumerable<Expr> Children => [];
}

/// <summary>Selects series; all samples in a range.</summary>
public sealed class MatrixSelector(VectorSelector selector, long rangeMs) : Expr
{
    public VectorSelector Selector { get; } = selector;

    public long RangeMs { get; } = rangeMs;

    /// <summary>The range as an expression, when it is one.</summary>
    public DurationExpr? RangeExpression { get; internal set; }

    public override PromType Type => PromType.RangeVector;

    public override IEnumerable<Expr> Children => [Selector];
}

/// <summary>Evaluates an expression at the steps of a range: <c>expr[range:step]</c>.</summary>
public sealed class SubqueryExpr(Expr inner, long rangeMs, long stepMs) : Expr
{
    public Expr Inner { get; internal set; } = inner;

    public long RangeMs { get; } = rangeMs;

    /// <summary>The step; 0 means the engine's default.</summary>
    public long StepMs { get; } = stepMs;

    public DurationExpr? RangeExpression { get; internal set; }

    public DurationExpr? StepExpression { get; internal set; }

    public TimeModifiers Time { get; } = new();

    public override PromType Type => PromType.RangeVector;

    public override IEnumerable<Expr> Children => [Inner];
}

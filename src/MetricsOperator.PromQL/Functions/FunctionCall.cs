using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Functions;

/// <summary>A call being evaluated, with access to its arguments by position.</summary>
internal sealed class FunctionCall(Evaluator evaluator, CallExpr call)
{
    public Evaluator Evaluator { get; } = evaluator;

    public string Name { get; } = call.Function.Name;

    public QueryContext Query => Evaluator.Query;

    public Frame Frame => Evaluator.Frame;

    public int ArgumentCount => call.Arguments.Count;

    /// <summary>An argument without the parentheses around it.</summary>
    public Expr Argument(int index)
    {
        var argument = call.Arguments[index];
        while (argument is ParenExpr paren)
        {
            argument = paren.Inner;
        }

        return argument;
    }

    public PositionRange Position(int index) => call.Arguments[index].Position;

    public IEnumerable<Column> Stream(int index) => Evaluator.Stream(call.Arguments[index]);

    public List<Column> Vector(int index) => Evaluator.Vector(call.Arguments[index]);

    public double[] Scalar(int index) => Evaluator.Scalar(call.Arguments[index]);

    public string Text(int index) => ((StringLiteral)Argument(index)).Value;
}

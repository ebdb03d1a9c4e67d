using System.Runtime.CompilerServices;
using MetricsOperator.PromQL.Aggregations;
using MetricsOperator.PromQL.Engine.Operators;
using MetricsOperator.PromQL.Functions;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine;

/// <summary>
/// Evaluates expressions column by column over the steps of one frame. <see cref="Stream"/> hands out columns as they are made, so that
/// an aggregation over many series holds one of them at a time.
/// </summary>
internal sealed class Evaluator(QueryContext query, Frame frame, SampleStatistics statistics)
{
    // Columns that have been read ahead hold about this many steps a batch.
    private const int ReadAheadSteps = 16 * 1024;

    public QueryContext Query { get; } = query;

    public Frame Frame { get; } = frame;

    public SampleStatistics Statistics { get; } = statistics;

    /// <summary>An evaluator for the inner expression of a subquery.</summary>
    public Evaluator ForSubquery(Frame inner) => new(Query, inner, new SampleStatistics(0, perStep: false));

    /// <summary>All columns of an instant vector (or scalar) expression.</summary>
    public List<Column> Vector(Expr expression) => [.. Stream(expression)];

    /// <summary>The columns of an instant vector (or scalar) expression, one after another.</summary>
    public IEnumerable<Column> Stream(Expr expression)
    {
        RequireStack();
        if (Frame.Steps > 1 && Query.Plan.IsInvariant(expression) && expression is not (NumberLiteral or StringLiteral))
        {
            return Broadcast(new Evaluator(Query, Frame.Instant(Frame.StartMs), Statistics).Stream(expression));
        }

        if (expression.Type == PromType.Scalar)
        {
            return [ScalarColumn(expression)];
        }

        return expression switch
        {
            ParenExpr paren => Stream(paren.Inner),
            VectorSelector selector => StreamSelector(selector, yieldTimes: false),
            UnaryExpr unary => unary.Negate ? VectorScalarOperator.Negate(this, Stream(unary.Operand)) : Stream(unary.Operand),
            BinaryExpr binary => EvaluateBinary(binary),
            AggregateExpr aggregate => Aggregation.Evaluate(this, aggregate),
            CallExpr call => FunctionTable.Get(call.Function.Name).Body.Columns(new FunctionCall(this, call)),
            _ => throw new InvalidOperationException($"cannot evaluate {expression.GetType().Name} as a vector"),
        };
    }

    /// <summary>The values of a scalar expression at every step.</summary>
    public double[] Scalar(Expr expression)
    {
        RequireStack();
        if (Frame.Steps > 1 && Query.Plan.IsInvariant(expression) && expression is not NumberLiteral)
        {
            return Fill(new Evaluator(Query, Frame.Instant(Frame.StartMs), Statistics).Scalar(expression)[0]);
        }

        switch (expression)
        {
            case NumberLiteral number:
                return Fill(number.Value);
            case ParenExpr paren:
                return Scalar(paren.Inner);
            case UnaryExpr unary:
                var operand = Scalar(unary.Operand);
                if (unary.Negate)
                {
                    for (var i = 0; i < operand.Length; i++)
                    {
                        operand[i] = -operand[i];
                    }
                }

                return operand;
            case BinaryExpr binary:
                return FloatOperator.Apply(binary.Operator, Scalar(binary.Left), Scalar(binary.Right));
            case CallExpr call:
                return FunctionTable.Get(call.Function.Name).Body.Scalar(new FunctionCall(this, call));
            default:
                throw new InvalidOperationException($"cannot evaluate {expression.GetType().Name} as a scalar");
        }
    }

    /// <summary>The series of a selector; with <paramref name="yieldTimes"/> the times of the samples in seconds instead of their values.</summary>
    public IEnumerable<Column> StreamSelector(VectorSelector selector, bool yieldTimes)
    {
        var fixedTime = Query.Plan.FixedTime(selector.Time);
        var first = (fixedTime ?? Frame.StartMs) - selector.Time.OffsetMs;
        var steps = fixedTime is null ? Frame.Steps : 1;
        var series = Query.Select(selector);
        var columns = new ReadAhead<Column>(
            series, () => new ColumnReader(new InstantReader(first, Frame.StepMs, steps, Query.LookbackMs, yieldTimes), steps, Query.Budget),
            Math.Clamp(ReadAheadSteps / steps, 1, 32),
            Query.ReadAheadThreads);
        foreach (var read in columns.Items())
        {
            var column = read;
            Query.Budget.Charge(column);
            if (steps < Frame.Steps)
            {
                column = Broadcast(column);
            }

            CountSamples(column);
            yield return column;
        }

        foreach (var warning in series.Warnings)
        {
            Query.Annotations.WarnFromStorage(warning);
        }
    }

    /// <summary>Reads series into columns.</summary>
    private sealed class ColumnReader(InstantReader instant, int steps, SampleBudget budget) : SeriesReader<Column>
    {
        public override Column? Read(int slot, LabelSet labels, SampleReader samples)
        {
            var column = new Column(labels, steps);
            instant.Read(samples, column, budget);
            if (!column.IsEmpty)
            {
                return column;
            }

            column.Release();
            budget.ThrowIfStopped();
            return null;
        }
    }

    private static void RequireStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new QueryExecutionException("expression is nested too deeply");
        }
    }

    private IEnumerable<Column> EvaluateBinary(BinaryExpr binary)
    {
        var leftScalar = binary.Left.Type == PromType.Scalar;
        if (leftScalar || binary.Right.Type == PromType.Scalar)
        {
            return VectorScalarOperator.Evaluate(this, binary, leftScalar);
        }

        return binary.Operator.IsSetOperator() ? SetOperator.Evaluate(this, binary) : VectorOperator.Evaluate(this, binary);
    }

    private Column ScalarColumn(Expr expression)
    {
        var column = new Column(LabelSet.Empty, Frame.Steps);
        Scalar(expression).CopyTo(column.Values);
        column.Present.SetRange(0, Frame.Steps);
        Query.Budget.Charge(column);
        return column;
    }

    private IEnumerable<Column> Broadcast(IEnumerable<Column> columns)
    {
        foreach (var column in columns)
        {
            yield return Broadcast(column);
        }
    }

    private Column Broadcast(Column single)
    {
        var column = new Column(single.Labels, Frame.Steps, single.DropName);
        if (single.HistogramAt(0) is { } histogram)
        {
            for (var i = 0; i < Frame.Steps; i++)
            {
                column.Set(i, histogram);
            }
        }
        else if (single.Present[0])
        {
            column.Values.Fill(single.Values[0]);
            column.Present.SetRange(0, Frame.Steps);
        }

        Query.Budget.Release(single);
        Query.Budget.Charge(column);
        return column;
    }

    private void CountSamples(Column column)
    {
        if (column.Histograms is null && !Statistics.IsPerStep)
        {
            Statistics.CountAll(column.Present.Count);
            return;
        }

        for (var i = 0; i < Frame.Steps; i++)
        {
            if (column.Present[i])
            {
                Statistics.Count(i, 1);
            }
            else if (column.HistogramAt(i) is { } histogram)
            {
                Statistics.Count(i, Column.HistogramWeight(histogram));
            }
        }
    }

    private double[] Fill(double value)
    {
        var values = new double[Frame.Steps];
        Array.Fill(values, value);
        return values;
    }
}

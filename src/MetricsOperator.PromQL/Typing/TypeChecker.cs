using System.Runtime.CompilerServices;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Typing;

/// <summary>Checks that operands and arguments have the types that operators and functions take. The first error in Prometheus' order wins.</summary>
internal static class TypeChecker
{
    /// <exception cref="ParseException">Types do not fit.</exception>
    public static void Check(Expr expression, string query) => new Checker(query).Check(expression);

    private sealed class Checker(string query)
    {
        // Later passes walk the tree recursively too, so that its depth has a limit: chains of operators lean to the left.
        private const int MaxDepth = 1000;

        private int _depth;

        public void Check(Expr expression)
        {
            if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            {
                throw Error(expression.Position, "expression is nested too deeply");
            }

            CheckNode(expression);
            _depth--;
        }

        private void CheckNode(Expr expression)
        {
            switch (expression)
            {
                case AggregateExpr aggregate:
                    CheckAggregate(aggregate);
                    break;
                case BinaryExpr binary:
                    CheckBinary(binary);
                    break;
                case CallExpr call:
                    CheckCall(call);
                    break;
                case UnaryExpr unary:
                    Check(unary.Operand);
                    if (unary.Operand.Type is not (PromType.Scalar or PromType.InstantVector))
                    {
                        throw Error(unary.Position, "unary expression only allowed on expressions of type scalar or instant vector, got "
                            + StringLiterals.Quote(unary.Operand.Type.Describe()));
                    }

                    break;
                case SubqueryExpr subquery:
                    Check(subquery.Inner);
                    if (subquery.Inner.Type != PromType.InstantVector)
                    {
                        throw Error(subquery.Position, $"subquery is only allowed on instant vector, got {subquery.Inner.Type.ApiName()} instead");
                    }

                    break;
                case VectorSelector selector:
                    CheckSelector(selector);
                    break;
                default:
                    foreach (var child in expression.Children)
                    {
                        Check(child);
                    }

                    break;
            }
        }

        private void CheckAggregate(AggregateExpr aggregate)
        {
            Expect(aggregate.Operand, PromType.InstantVector, "aggregation expression");
            if (aggregate.Parameter is not null)
            {
                var wanted = aggregate.Operator == AggregateOperator.CountValues ? PromType.String : PromType.Scalar;
                Expect(aggregate.Parameter, wanted, "aggregation parameter");
            }
        }

        private void CheckBinary(BinaryExpr binary)
        {
            Check(binary.Left);
            Check(binary.Right);
            var left = binary.Left.Type;
            var right = binary.Right.Type;
            var op = binary.Operator;
            if (binary.ReturnBool && !op.IsComparison())
            {
                throw Error(OperatorPosition(binary), "bool modifier can only be used on comparison operators");
            }

            if (op.IsComparison() && !binary.ReturnBool && left == PromType.Scalar && right == PromType.Scalar)
            {
                throw Error(OperatorPosition(binary), "comparisons between scalars must use BOOL modifier");
            }

            var matching = binary.Matching!;
            if (op.IsSetOperator() && matching.Cardinality == MatchCardinality.OneToOne)
            {
                matching.Cardinality = MatchCardinality.ManyToMany;
            }

            var shared = matching.On ? matching.Labels.FirstOrDefault(l => matching.Include.Contains(l)) : null;
            if (shared is not null)
            {
                throw Error(OperatorPosition(binary), $"label {StringLiterals.Quote(shared)} must not occur in ON and GROUP clause at once");
            }

            foreach (var side in (ReadOnlySpan<Expr>)[binary.Left, binary.Right])
            {
                if (side.Type is not (PromType.Scalar or PromType.InstantVector))
                {
                    throw Error(side.Position, "binary expression must contain only scalar and instant vector types");
                }
            }

            if (left != PromType.InstantVector || right != PromType.InstantVector)
            {
                if (matching.Labels.Count > 0)
                {
                    throw Error(binary.Position, "vector matching only allowed between instant vectors");
                }

                binary.Matching = null;
                if (op.IsSetOperator())
                {
                    throw Error(binary.Position, $"set operator {StringLiterals.Quote(op.Symbol())} not allowed in binary scalar expression");
                }
            }
            else if (op.IsSetOperator() && matching.Cardinality != MatchCardinality.ManyToMany)
            {
                throw Error(binary.Position, $"no grouping allowed for {StringLiterals.Quote(op.Symbol())} operation");
            }
        }

        private void CheckCall(CallExpr call)
        {
            CheckArgumentCount(call);
            if (call.Function.Name == "info" && call.Arguments.Count > 1)
            {
                CheckInfoSelector(call);
            }

            var types = call.Function.ArgumentTypes;
            for (var i = 0; i < call.Arguments.Count; i++)
            {
                if (call.Function.Name == "info" && i == 1)
                {
                    continue;
                }

                Expect(call.Arguments[i], types[Math.Min(i, types.Count - 1)], $"call to function {StringLiterals.Quote(call.Function.Name)}");
            }
        }

        private void CheckArgumentCount(CallExpr call)
        {
            var function = call.Function;
            var name = StringLiterals.Quote(function.Name);
            var got = call.Arguments.Count;
            var declared = function.ArgumentTypes.Count;
            if (function.Variadic == 0)
            {
                if (got != declared)
                {
                    throw Error(call.Position, $"expected {declared} argument(s) in call to {name}, got {got}");
                }

                return;
            }

            var least = declared - 1;
            if (got < least)
            {
                throw Error(call.Position, $"expected at least {least} argument(s) in call to {name}, got {got}");
            }

            if (function.Variadic > 0 && got > least + function.Variadic)
            {
                throw Error(call.Position, $"expected at most {least + function.Variadic} argument(s) in call to {name}, got {got}");
            }
        }

        // The second argument of info() is a list of label matchers, not a vector: it may match everything.
        private void CheckInfoSelector(CallExpr call)
        {
            if (call.Arguments[1] is not VectorSelector selector)
            {
                throw Error(call.Position,
                    $"expected type instant vector in call to function \"info\", got {call.Arguments[1].Type.Describe()}");
            }

            if (selector.Name.Length > 0)
            {
                throw Error(selector.Position, "expected label selectors only, got vector selector instead");
            }
        }

        private void CheckSelector(VectorSelector selector)
        {
            if (selector.Name.Length > 0)
            {
                foreach (var matcher in selector.Matchers.Take(selector.Matchers.Count - 1))
                {
                    if (matcher.Name == LabelNames.MetricName)
                    {
                        throw Error(selector.Position,
                            $"metric name must not be set twice: {StringLiterals.Quote(selector.Name)} or {StringLiterals.Quote(matcher.Value)}");
                    }
                }
            }
            else if (selector.Matchers.All(m => m.MatchesEmpty))
            {
                throw Error(selector.Position, "vector selector must contain at least one non-empty matcher");
            }
        }

        private void Expect(Expr expression, PromType wanted, string context)
        {
            Check(expression);
            if (expression.Type != wanted)
            {
                throw Error(expression.Position, $"expected type {wanted.Describe()} in {context}, got {expression.Type.Describe()}");
            }
        }

        private PositionRange OperatorPosition(BinaryExpr binary)
        {
            var start = binary.Left.Position.End;
            while (start < query.Length && char.IsWhiteSpace(query[start]))
            {
                start++;
            }

            return new PositionRange(start, binary.Right.Position.Start);
        }

        private ParseException Error(PositionRange position, string problem) => new(query, position, problem);
    }
}

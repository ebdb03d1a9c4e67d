using System.Runtime.CompilerServices;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>What follows an operand: ranges, subqueries, <c>offset</c>, <c>@</c>, and the durations in them.</summary>
internal sealed partial class ExpressionParser
{
    // 2^63 nanoseconds.
    private const double MaxDurationSeconds = 9223372036.854775808;

    private Expr ParsePostfix(Expr operand)
    {
        while (true)
        {
            if (_token.Kind == TokenKind.LeftBracket)
            {
                operand = ParseRangeOrSubquery(operand);
            }
            else if (_token.Kind == TokenKind.At)
            {
                Advance();
                ParseAt(operand);
            }
            else if (_token.IsKeyword("offset"))
            {
                Advance();
                ParseOffset(operand);
            }
            else
            {
                return operand;
            }
        }
    }

    private Expr ParseRangeOrSubquery(Expr operand)
    {
        var bracket = _token;
        Advance();
        if (!StartsDuration())
        {
            throw Unexpected("subquery or range selector", "number or duration");
        }

        var (range, rangeExpression) = ParsePositiveDuration();
        if (_token.Kind == TokenKind.RightBracket)
        {
            Advance();
            var problem = operand switch
            {
                VectorSelector { Time.OffsetMs: not 0 } => "no offset modifiers allowed before range",
                VectorSelector { Time.OffsetExpression: not null } => "no offset modifiers allowed before range",
                VectorSelector { Time.AtMs: not null } => "no @ modifiers allowed before range",
                VectorSelector => null,
                _ => "ranges only allowed for vector selectors",
            };
            return problem is null
                ? new MatrixSelector((VectorSelector)operand, range)
                {
                    RangeExpression = rangeExpression,
                    Position = new PositionRange(operand.Position.Start, _lastEnd),
                }
                : throw Error(new PositionRange(bracket.Start, _lastEnd), problem);
        }

        if (_token.Kind != TokenKind.Colon)
        {
            throw Unexpected("subquery or range", "\":\" or \"]\"");
        }

        Advance();
        var (step, stepExpression) = (0L, (DurationExpr?)null);
        if (_token.Kind != TokenKind.RightBracket)
        {
            if (!StartsDuration())
            {
                throw Unexpected("subquery selector", "number or duration or \"]\"");
            }

            (step, stepExpression) = ParsePositiveDuration();
            if (_token.Kind != TokenKind.RightBracket)
            {
                throw Unexpected("subquery selector", "\"]\"");
            }
        }

        Advance();
        return new SubqueryExpr(operand, range, step)
        {
            RangeExpression = rangeExpression,
            StepExpression = stepExpression,
            Position = new PositionRange(operand.Position.Start, _lastEnd),
        };
    }

    private void ParseAt(Expr operand)
    {
        if (_token.IsKeyword("start") || _token.IsKeyword("end"))
        {
            var anchor = _token.IsKeyword("start") ? AtAnchor.Start : AtAnchor.End;
            Advance();
            foreach (var kind in (ReadOnlySpan<TokenKind>)[TokenKind.LeftParen, TokenKind.RightParen])
            {
                if (_token.Kind != kind)
                {
                    throw Unexpected("@", "timestamp");
                }

                Advance();
            }

            SetAt(operand, null, anchor);
            return;
        }

        var sign = 1;
        if (_token is { Kind: TokenKind.Operator, Operator: BinaryOperator.Add or BinaryOperator.Sub })
        {
            sign = _token.Operator == BinaryOperator.Sub ? -1 : 1;
            Advance();
        }

        if (_token.Kind is not (TokenKind.Number or TokenKind.Duration))
        {
            throw Unexpected("@", "timestamp");
        }

        var seconds = sign * ParseNumber(_token);
        Advance();
        if (!double.IsFinite(seconds) || seconds >= long.MaxValue || seconds <= long.MinValue)
        {
            throw Error(operand.Position, $"timestamp out of bounds for @ modifier: {FormatFixed(seconds)}");
        }

        SetAt(operand, (long)Math.Round(seconds * 1000, MidpointRounding.AwayFromZero), AtAnchor.None);
    }

    private void SetAt(Expr operand, long? atMs, AtAnchor anchor)
    {
        var time = TimeOf(operand)
            ?? throw Error(operand.Position, "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
        if (time.AtMs is not null || time.Anchor != AtAnchor.None)
        {
            throw Error(operand.Position, "@ <timestamp> may not be set multiple times");
        }

        time.AtMs = atMs;
        time.Anchor = anchor;
        operand.Position = operand.Position with { End = _lastEnd };
    }

    private void ParseOffset(Expr operand)
    {
        var sign = 1;
        if (_token is { Kind: TokenKind.Operator, Operator: BinaryOperator.Add or BinaryOperator.Sub })
        {
            sign = _token.Operator == BinaryOperator.Sub ? -1 : 1;
            Advance();
        }

        DurationExpr? expression = null;
        double seconds;
        if (_token.Kind is TokenKind.Number or TokenKind.Duration)
        {
            var literal = _token;
            seconds = sign * ParseNumber(literal);
            Advance();
            CheckRange(seconds, literal.Position);
        }
        else if (_token.Kind == TokenKind.LeftParen)
        {
            var start = _token;
            expression = ParseDuration(UnaryPrecedence + 1);
            if (sign < 0)
            {
                expression = new DurationExpr.Negated(expression);
            }

            seconds = Evaluate(expression, new PositionRange(start.Start, _lastEnd));
        }
        else
        {
            throw Unexpected("offset", "number or duration");
        }

        var time = TimeOf(operand) ?? throw Error(
            operand.Position, "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery");
        if (time.OffsetMs != 0 || time.OffsetExpression is not null)
        {
            throw Error(operand.Position, "offset may not be set multiple times");
        }

        time.OffsetMs = ToMs(seconds);
        time.OffsetExpression = expression;
        operand.Position = operand.Position with { End = _lastEnd };
    }

    private static TimeModifiers? TimeOf(Expr operand) => operand switch
    {
        VectorSelector selector => selector.Time,
        MatrixSelector matrix => matrix.Selector.Time,
        SubqueryExpr subquery => subquery.Time,
        _ => null,
    };

    private bool StartsDuration() =>
        _token.Kind is TokenKind.Number or TokenKind.Duration or TokenKind.LeftParen
        || _token is { Kind: TokenKind.Operator, Operator: BinaryOperator.Add or BinaryOperator.Sub };

    private (long Ms, DurationExpr? Expression) ParsePositiveDuration()
    {
        var start = _token.Start;
        var expression = ParseDuration(0);
        var position = new PositionRange(start, _lastEnd);
        var seconds = Evaluate(expression, position);
        if (!(seconds > 0))
        {
            throw Error(position, "duration must be greater than 0");
        }

        var ms = ToMs(seconds);
        return expression is DurationExpr.Literal ? (ms, null) : (ms, expression);
    }

    private DurationExpr ParseDuration(int minPrecedence)
    {
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error(_token.Position, "expression is nested too deeply");
        }

        var start = _token.Start;
        var left = ParseDurationOperand();
        while (_token.Kind == TokenKind.Operator && _token.Operator <= BinaryOperator.Pow
            && Precedence(_token.Operator) is var precedence && precedence >= minPrecedence)
        {
            RequireDurationExpressions(new PositionRange(start, _lastEnd));
            var op = _token;
            Advance();
            var right = ParseDuration(op.Operator == BinaryOperator.Pow ? precedence : precedence + 1);
            if (op.Operator is BinaryOperator.Div or BinaryOperator.Mod && right is DurationExpr.Literal && right.Seconds() == 0)
            {
                throw Error(op.Position, op.Operator == BinaryOperator.Div ? "division by zero" : "modulo by zero");
            }

            left = new DurationExpr.Binary(op.Operator, left, right);
            if (left.Depth > MaxDepth)
            {
                throw Error(op.Position, "expression is nested too deeply");
            }
        }

        _depth--;
        return left;
    }

    private DurationExpr ParseDurationOperand()
    {
        var token = _token;
        switch (token.Kind)
        {
            case TokenKind.Number or TokenKind.Duration:
                var seconds = ParseNumber(token);
                Advance();
                CheckRange(seconds, token.Position);
                return new DurationExpr.Literal(seconds, token.Kind == TokenKind.Duration);
            case TokenKind.LeftParen:
                Advance();
                var inner = ParseDuration(0);
                RequireDurationExpressions(new PositionRange(token.End, _lastEnd));
                Expect(TokenKind.RightParen);
                return new DurationExpr.Grouped(inner);
            case TokenKind.Operator when token.Operator is BinaryOperator.Add or BinaryOperator.Sub:
                Advance();
                var operand = ParseDuration(UnaryPrecedence + 1);
                if (token.Operator == BinaryOperator.Add)
                {
                    return operand;
                }

                return operand is DurationExpr.Literal literal ? literal.Negate() : new DurationExpr.Negated(operand);
            default:
                throw Unexpected("subquery or range selector", "number or duration");
        }
    }

    private void RequireDurationExpressions(PositionRange position)
    {
        if (!_options.DurationExpressions)
        {
            throw Error(position, "experimental duration expression is not enabled");
        }
    }

    private double Evaluate(DurationExpr expression, PositionRange position)
    {
        try
        {
            var seconds = expression.Seconds();
            CheckRange(seconds, position);
            return seconds;
        }
        catch (DivideByZeroException e)
        {
            throw Error(position, e.Message);
        }
    }

    private void CheckRange(double seconds, PositionRange position)
    {
        if (!(seconds <= MaxDurationSeconds && seconds >= -MaxDurationSeconds))
        {
            throw Error(position, "duration out of range");
        }
    }

    // A literal such as 1001ms is not exact in seconds.
    private static long ToMs(double seconds) => (long)Math.Round(seconds * 1000);

    private static string FormatFixed(double value) => double.IsFinite(value)
        ? value.ToString("F6", System.Globalization.CultureInfo.InvariantCulture)
        : GoNumbers.Format(value);
}

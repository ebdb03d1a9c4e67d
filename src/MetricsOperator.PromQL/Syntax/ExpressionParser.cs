using System.Runtime.CompilerServices;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>A recursive-descent parser with one token of lookahead. This part: queries, operators and what stands between them.</summary>
internal sealed partial class ExpressionParser
{
    private const int UnaryPrecedence = 5;
    private const int MaxDepth = 1000;

    private readonly string _text;
    private readonly ParserOptions _options;
    private readonly Lexer _lexer;
    private Token _token;
    private int _lastEnd;
    private int _depth;

    public ExpressionParser(string text, ParserOptions options)
    {
        _text = text;
        _options = options;
        _lexer = new Lexer(text);
        _token = _lexer.Next();
    }

    public Expr ParseQuery()
    {
        if (_token.Kind == TokenKind.End)
        {
            throw new ParseException(_text, default, "no expression found in input");
        }

        var expression = ParseExpression(0);
        return _token.Kind == TokenKind.End ? expression : throw Unexpected();
    }

    public VectorSelector ParseLoneSelector()
    {
        if (_token.Kind == TokenKind.End)
        {
            throw new ParseException(_text, default, "no expression found in input");
        }

        if (_token.Kind != TokenKind.LeftBrace && !Keywords.CanNameMetric(_token))
        {
            throw Unexpected();
        }

        var selector = ParseSelector();
        return _token.Kind == TokenKind.End ? selector : throw Unexpected();
    }

    private static int Precedence(BinaryOperator op) => op switch
    {
        BinaryOperator.Or => 1,
        BinaryOperator.And or BinaryOperator.Unless => 2,
        BinaryOperator.Add or BinaryOperator.Sub => 4,
        BinaryOperator.Mul or BinaryOperator.Div or BinaryOperator.Mod or BinaryOperator.Atan2 => UnaryPrecedence,
        BinaryOperator.Pow => 6,
        _ => 3,
    };

    private Expr ParseExpression(int minPrecedence)
    {
        if (++_depth > MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error(_token.Position, "expression is nested too deeply");
        }

        var left = ParseUnary();
        while (_token.Kind == TokenKind.Operator && Precedence(_token.Operator) is var precedence && precedence >= minPrecedence)
        {
            var op = _token.Operator;
            Advance();
            var (matching, returnBool) = ParseBinaryModifiers();
            var right = ParseExpression(op == BinaryOperator.Pow ? precedence : precedence + 1);
            left = new BinaryExpr(op, left, right)
            {
                Matching = matching,
                ReturnBool = returnBool,
                Position = new PositionRange(left.Position.Start, right.Position.End),
            };
        }

        _depth--;
        return left;
    }

    private Expr ParseUnary()
    {
        if (_token.Kind != TokenKind.Operator || _token.Operator is not (BinaryOperator.Add or BinaryOperator.Sub))
        {
            return ParsePostfix(ParsePrimary());
        }

        var sign = _token;
        Advance();
        var operand = ParseExpression(UnaryPrecedence + 1);
        var position = new PositionRange(sign.Start, operand.Position.End);
        var negate = sign.Operator == BinaryOperator.Sub;
        return operand is NumberLiteral number
            ? new NumberLiteral(negate ? -number.Value : number.Value, number.IsDuration) { Position = position }
            : new UnaryExpr(negate, operand) { Position = position };
    }

    private (VectorMatching Matching, bool ReturnBool) ParseBinaryModifiers()
    {
        var matching = new VectorMatching();
        var returnBool = _token.IsKeyword("bool");
        if (returnBool)
        {
            Advance();
        }

        if (!_token.IsKeyword("on") && !_token.IsKeyword("ignoring"))
        {
            return (matching, returnBool);
        }

        matching.On = _token.IsKeyword("on");
        Advance();
        matching.Labels = ParseGroupingLabels();
        if (_token.IsKeyword("group_left") || _token.IsKeyword("group_right"))
        {
            matching.Cardinality = _token.IsKeyword("group_left") ? MatchCardinality.ManyToOne : MatchCardinality.OneToMany;
            Advance();
            if (_token.Kind == TokenKind.LeftParen || !StartsExpression())
            {
                matching.Include = ParseGroupingLabels();
            }
        }

        return (matching, returnBool);
    }

    private List<string> ParseGroupingLabels()
    {
        if (_token.Kind != TokenKind.LeftParen)
        {
            throw Unexpected("grouping opts", "\"(\"");
        }

        Advance();
        var labels = new List<string>();
        while (_token.Kind != TokenKind.RightParen)
        {
            labels.Add(ParseGroupingLabel());
            if (_token.Kind == TokenKind.Comma)
            {
                Advance();
            }
            else if (_token.Kind != TokenKind.RightParen)
            {
                throw Unexpected("grouping opts", "\",\" or \")\"");
            }
        }

        Advance();
        return labels;
    }

    private string ParseGroupingLabel()
    {
        var token = _token;
        if (token.Kind == TokenKind.String)
        {
            var name = StringLiterals.Unquote(token.Text);
            if (name.Length == 0 || !StringLiterals.IsValidUtf8(name))
            {
                throw Error(token.Position, "invalid label name for grouping: " + StringLiterals.Quote(name));
            }

            Advance();
            return name;
        }

        if (!Keywords.CanNameLabel(token))
        {
            throw Unexpected("grouping opts", "label");
        }

        Advance();
        return token.Text;
    }

    private bool StartsExpression() => _token.Kind switch
    {
        TokenKind.Number or TokenKind.Duration or TokenKind.String or TokenKind.LeftParen or TokenKind.LeftBrace => true,
        TokenKind.Operator when _token.Operator is BinaryOperator.Add or BinaryOperator.Sub => true,
        _ => Keywords.CanNameMetric(_token),
    };

    private Token Advance()
    {
        _lastEnd = _token.End;
        return _token = _lexer.Next();
    }

    private ParseException Unexpected(string context = "", string expected = "")
    {
        var problem = "unexpected " + _token.Describe();
        if (context.Length > 0)
        {
            problem += " in " + context;
        }

        if (expected.Length > 0)
        {
            problem += ", expected " + expected;
        }

        return Error(_token.Position, problem);
    }

    private ParseException Error(PositionRange position, string problem) => new(_text, position, problem);
}

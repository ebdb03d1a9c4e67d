using MetricsOperator.PromQL.Functions;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Literals, calls, aggregations and selectors.</summary>
internal sealed partial class ExpressionParser
{
    private Expr ParsePrimary()
    {
        var token = _token;
        switch (token.Kind)
        {
            case TokenKind.Number or TokenKind.Duration:
                var value = ParseNumber(token);
                Advance();
                return new NumberLiteral(value, token.Kind == TokenKind.Duration) { Position = token.Position };
            case TokenKind.String:
                Advance();
                return new StringLiteral(StringLiterals.Unquote(token.Text)) { Position = token.Position };
            case TokenKind.LeftParen:
                Advance();
                var inner = ParseExpression(0);
                Expect(TokenKind.RightParen);
                return new ParenExpr(inner) { Position = new PositionRange(token.Start, _lastEnd) };
            case TokenKind.LeftBrace:
                return ParseSelector();
            case TokenKind.Identifier or TokenKind.MetricIdentifier or TokenKind.Aggregator:
                return ParseNamed();
            default:
                return Keywords.CanNameMetric(token) ? ParseSelector() : throw Unexpected();
        }
    }

    // A name starts a call or an aggregation if the next token says so, and a selector otherwise.
    private Expr ParseNamed()
    {
        var name = _token;
        Advance();
        if (name.Kind == TokenKind.Aggregator)
        {
            if (_token.Kind == TokenKind.LeftParen || _token.IsKeyword("by") || _token.IsKeyword("without"))
            {
                return ParseAggregation(name);
            }

        }
        else if (name.Kind == TokenKind.Identifier && _token.Kind == TokenKind.LeftParen)
        {
            return ParseCall(name);
        }

        return ParseSelectorAfterName(name);
    }

    private CallExpr ParseCall(Token name)
    {
        var arguments = ParseArguments();
        var function = FunctionTable.Find(name.Text)?.Signature
            ?? throw Error(name.Position, $"unknown function with name {StringLiterals.Quote(name.Text)}");
        if (function.Experimental && !_options.ExperimentalFunctions)
        {
            throw Error(name.Position, $"function {StringLiterals.Quote(name.Text)} is not enabled");
        }

        return new CallExpr(function, arguments) { Position = new PositionRange(name.Start, _lastEnd) };
    }

    private AggregateExpr ParseAggregation(Token name)
    {
        var (grouping, without, found) = ParseAggregateModifier();
        if (_token.Kind != TokenKind.LeftParen)
        {
            throw Unexpected("aggregation");
        }

        var arguments = ParseArguments();
        if (!found)
        {
            (grouping, without, _) = ParseAggregateModifier();
        }

        var op = name.Aggregator;
        var position = new PositionRange(name.Start, _lastEnd);
        if (arguments.Count == 0)
        {
            throw Error(position, "no arguments for aggregate expression provided");
        }

        if (op.IsExperimental() && !_options.ExperimentalFunctions)
        {
            throw Error(position, $"{op.Symbol()}() is experimental and must be enabled with --enable-feature=promql-experimental-functions");
        }

        var wanted = op.HasParameter() ? 2 : 1;
        if (arguments.Count != wanted)
        {
            throw Error(position, $"wrong number of arguments for aggregate expression provided, expected {wanted}, got {arguments.Count}");
        }

        return new AggregateExpr(op, arguments[^1], op.HasParameter() ? arguments[0] : null, grouping, without) { Position = position };
    }

    private (List<string> Grouping, bool Without, bool Found) ParseAggregateModifier()
    {
        if (!_token.IsKeyword("by") && !_token.IsKeyword("without"))
        {
            return ([], false, false);
        }

        var without = _token.IsKeyword("without");
        Advance();
        return (ParseGroupingLabels(), without, true);
    }

    private List<Expr> ParseArguments()
    {
        Expect(TokenKind.LeftParen);
        var arguments = new List<Expr>();
        if (_token.Kind != TokenKind.RightParen)
        {
            arguments.Add(ParseExpression(0));
            while (_token.Kind == TokenKind.Comma)
            {
                var comma = _token;
                Advance();
                if (_token.Kind == TokenKind.RightParen)
                {
                    throw Error(comma.Position, "trailing commas not allowed in function call args");
                }

                arguments.Add(ParseExpression(0));
            }
        }

        Expect(TokenKind.RightParen);
        return arguments;
    }

    private VectorSelector ParseSelector()
    {
        if (_token.Kind == TokenKind.LeftBrace)
        {
            return ParseSelectorAfterName(null);
        }

        var name = _token;
        Advance();
        return ParseSelectorAfterName(name);
    }

    private VectorSelector ParseSelectorAfterName(Token? name)
    {
        var start = name?.Start ?? _token.Start;
        var matchers = new List<LabelMatcher>();
        if (_token.Kind == TokenKind.LeftBrace)
        {
            ParseMatchers(matchers);
        }

        if (name is not null)
        {
            matchers.Add(new LabelMatcher(MatchType.Equal, LabelNames.MetricName, name.Value.Text));
        }

        return new VectorSelector(name?.Text ?? string.Empty, matchers) { Position = new PositionRange(start, _lastEnd) };
    }

    private void ParseMatchers(List<LabelMatcher> into)
    {
        Advance();
        while (_token.Kind != TokenKind.RightBrace)
        {
            ParseMatcher(into);
            if (_token.Kind == TokenKind.Comma)
            {
                Advance();
            }
            else if (_token.Kind != TokenKind.RightBrace)
            {
                throw Unexpected("label matching", "\",\" or \"}\"");
            }
        }

        Advance();
    }

    private void ParseMatcher(List<LabelMatcher> into)
    {
        var label = _token;
        if (label.Kind is not (TokenKind.Identifier or TokenKind.String))
        {
            throw Unexpected("label matching", "identifier or \"}\"");
        }

        var name = label.Kind == TokenKind.String ? StringLiterals.Unquote(label.Text) : label.Text;
        Advance();
        MatchType type;
        switch (_token.Kind)
        {
            case TokenKind.Assign: type = MatchType.Equal; break;
            case TokenKind.NotEqual: type = MatchType.NotEqual; break;
            case TokenKind.RegexMatch: type = MatchType.RegexMatch; break;
            case TokenKind.RegexNoMatch: type = MatchType.RegexNoMatch; break;
            default:
                if (label.Kind == TokenKind.Identifier)
                {
                    throw Unexpected("label matching", "label matching operator");
                }

                into.Add(new LabelMatcher(MatchType.Equal, LabelNames.MetricName, name));
                return;
        }

        Advance();
        if (_token.Kind != TokenKind.String)
        {
            throw Unexpected("label matching", "string");
        }

        var value = _token;
        try
        {
            into.Add(new LabelMatcher(type, name, StringLiterals.Unquote(value.Text)));
        }
        catch (ArgumentException e)
        {
            throw Error(new PositionRange(label.Start, value.End), e.Message.Replace(" (Parameter 'pattern')", string.Empty, StringComparison.Ordinal));
        }

        Advance();
    }

    private double ParseNumber(Token token)
    {
        if (token.Kind == TokenKind.Duration)
        {
            var ms = Durations.TryParse(token.Text);
            if (ms is null)
            {
                throw Error(token.Position, DurationProblem(token.Text));
            }

            return ms.Value / 1000.0;
        }

        var value = GoNumbers.TryParse(token.Text)
            ?? throw Error(token.Position, $"error parsing number: strconv.ParseFloat: parsing {StringLiterals.Quote(token.Text)}: invalid syntax");
        return double.IsInfinity(value) && char.IsAsciiDigit(token.Text[^1])
            ? throw Error(token.Position, $"error parsing number: strconv.ParseFloat: parsing {StringLiterals.Quote(token.Text)}: value out of range")
            : value;
    }

    private static string DurationProblem(string text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c) && !"smhdwy".Contains(c, StringComparison.Ordinal))
            {
                return $"unknown duration unit in {StringLiterals.Quote(text)}";
            }
        }

        return Durations.IsWellFormed(text) ? "duration out of range" : $"not a valid duration string: {StringLiterals.Quote(text)}";
    }

    private void Expect(TokenKind kind)
    {
        if (_token.Kind != kind)
        {
            throw Unexpected();
        }

        Advance();
    }
}

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Cuts a query into tokens, on demand, so that the first problem in the text is the one reported.</summary>
internal sealed partial class Lexer(string text)
{
    private const char EndOfText = '\uFFFF';

    private int _start;
    private int _position;
    private int _parenDepth;
    private bool _inBraces;
    private bool _inBrackets;
    private bool _gotColon;
    private bool _gotDuration;

    /// <summary>The next token; after the end always <see cref="TokenKind.End"/>.</summary>
    /// <exception cref="ParseException">A character or literal is not valid.</exception>
    public Token Next()
    {
        SkipSpaceAndComments();
        _start = _position;
        if (_inBraces)
        {
            return NextInBraces();
        }

        return _inBrackets ? NextInBrackets() : NextInStatement();
    }

    private static bool IsSpace(char c) => c is ' ' or '\t' or '\n' or '\r';

    private static bool IsAlpha(char c) => char.IsAsciiLetter(c) || c == '_';

    private static bool IsAlphaNumeric(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private char Peek(int ahead = 0) => _position + ahead < text.Length ? text[_position + ahead] : EndOfText;

    private bool AtEnd => _position >= text.Length;

    private void SkipSpaceAndComments()
    {
        while (!AtEnd)
        {
            if (IsSpace(text[_position]))
            {
                _position++;
            }
            else if (text[_position] == '#' && !_inBrackets)
            {
                var end = text.IndexOf('\n', _position);
                _position = end < 0 ? text.Length : end;
            }
            else
            {
                return;
            }
        }
    }

    private Token NextInStatement()
    {
        if (AtEnd)
        {
            return _parenDepth != 0 ? throw Error("unclosed left parenthesis") : Emit(TokenKind.End);
        }

        var c = text[_position];
        if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Peek(1))))
        {
            return NumberOrDuration();
        }

        if (IsAlpha(c) || c == ':')
        {
            while (IsAlphaNumeric(Peek()) || Peek() == ':')
            {
                _position++;
            }

            return Keywords.Classify(text[_start.._position], _start);
        }

        _position++;
        switch (c)
        {
            case ',': return Emit(TokenKind.Comma);
            case '*' or '/' or '%' or '+' or '-' or '^': return Arithmetic(c);
            case '=':
                if (Peek() == '=')
                {
                    _position++;
                    return Operator(BinaryOperator.Equal);
                }

                return Peek() == '~' ? throw Error("unexpected character after '=': " + QuoteChar()) : Emit(TokenKind.Assign);
            case '!':
                return Peek() == '=' ? Operator(BinaryOperator.NotEqual, 1) : throw Error("unexpected character after '!': " + QuoteChar());
            case '<':
                return Peek() == '=' ? Operator(BinaryOperator.LessOrEqual, 1) : Operator(BinaryOperator.Less);
            case '>':
                return Peek() == '=' ? Operator(BinaryOperator.GreaterOrEqual, 1) : Operator(BinaryOperator.Greater);
            case '"' or '\'': return QuotedString(c);
            case '`': return RawString();
            case '(':
                _parenDepth++;
                return Emit(TokenKind.LeftParen);
            case ')':
                return RightParen();
            case '{':
                _inBraces = true;
                return Emit(TokenKind.LeftBrace);
            case '[':
                _inBrackets = true;
                _gotColon = false;
                _gotDuration = false;
                return Emit(TokenKind.LeftBracket);
            case ']': throw Error("unexpected right bracket ']'");
            case '@': return Emit(TokenKind.At);
            default:
                _position--;
                throw Error("unexpected character: " + QuoteChar());
        }
    }

    private Token NextInBraces()
    {
        if (AtEnd)
        {
            throw Error("unexpected end of input inside braces");
        }

        var c = text[_position];
        if (IsAlpha(c))
        {
            while (IsAlphaNumeric(Peek()))
            {
                _position++;
            }

            return Emit(TokenKind.Identifier);
        }

        _position++;
        switch (c)
        {
            case ',': return Emit(TokenKind.Comma);
            case '"' or '\'': return QuotedString(c);
            case '`': return RawString();
            case '=':
                if (Peek() == '~')
                {
                    _position++;
                    return Emit(TokenKind.RegexMatch);
                }

                return Emit(TokenKind.Assign);
            case '!':
                if (Peek() is not ('~' or '='))
                {
                    throw Error("unexpected character after '!' inside braces: " + QuoteChar());
                }

                _position++;
                return Emit(text[_position - 1] == '~' ? TokenKind.RegexNoMatch : TokenKind.NotEqual);
            case '{': throw Error("unexpected left brace '{'");
            case '}':
                _inBraces = false;
                return Emit(TokenKind.RightBrace);
            default:
                _position--;
                throw Error("unexpected character inside braces: " + QuoteChar());
        }
    }

    private Token NextInBrackets()
    {
        if (AtEnd)
        {
            throw Error("unexpected end of input in duration expression");
        }

        var c = text[_position];
        if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Peek(1))))
        {
            _gotDuration = true;
            return NumberOrDuration();
        }

        _position++;
        switch (c)
        {
            case ']':
                _inBrackets = false;
                return Emit(TokenKind.RightBracket);
            case ':':
                if (!_gotDuration)
                {
                    throw Error("unexpected colon before duration in duration expression");
                }

                if (_gotColon)
                {
                    throw Error("unexpected repeated colon in duration expression");
                }

                _gotColon = true;
                return Emit(TokenKind.Colon);
            case '(':
                _parenDepth++;
                return Emit(TokenKind.LeftParen);
            case ')':
                return RightParen();
            case '*' or '/' or '%' or '+' or '-' or '^': return Arithmetic(c);
            default:
                _position--;
                throw Error("unexpected character in duration expression: " + QuoteChar());
        }
    }

    private Token RightParen()
    {
        var token = Emit(TokenKind.RightParen);
        if (--_parenDepth >= 0)
        {
            return token;
        }

        _start = _position;
        throw Error("unexpected right parenthesis ')'");
    }

    private Token Arithmetic(char c) => Operator(c switch
    {
        '*' => BinaryOperator.Mul,
        '/' => BinaryOperator.Div,
        '%' => BinaryOperator.Mod,
        '+' => BinaryOperator.Add,
        '-' => BinaryOperator.Sub,
        _ => BinaryOperator.Pow,
    });

    private Token Operator(BinaryOperator op, int more = 0)
    {
        _position += more;
        return new Token(TokenKind.Operator, _start, _position, text[_start.._position]) { Operator = op };
    }

    private Token Emit(TokenKind kind) => new(kind, _start, _position, text[_start.._position]);

    private string QuoteChar() => StringLiterals.QuoteRune(text, _position);

    private ParseException Error(string problem) => new(text, new PositionRange(_start, text.Length), problem);
}

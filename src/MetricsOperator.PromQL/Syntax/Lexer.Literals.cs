namespace MetricsOperator.PromQL.Syntax;

/// <summary>Numbers, durations and strings.</summary>
internal sealed partial class Lexer
{
    private Token NumberOrDuration()
    {
        if (ScanNumber())
        {
            return Emit(TokenKind.Number);
        }

        if (ScanRestOfDuration())
        {
            return Emit(TokenKind.Duration);
        }

        throw Error("bad number or duration syntax: " + StringLiterals.Quote(text[_start.._position]));
    }

    // The scanner stops where Prometheus' does, because its error message quotes what was read so far.
    private bool ScanNumber()
    {
        var hex = false;
        if (Accept("0") && Accept("xX"))
        {
            Accept("_");
            hex = true;
        }

        var digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
        Accept(".");
        Accept(digits);
        var dot = false;
        var exponent = false;
        while (!AtEnd && (digits.Contains(Peek(), StringComparison.Ordinal) || Peek() is '.' or '_' or 'e' or 'E'))
        {
            if (Peek() == '.')
            {
                _position++;
                if (dot || Accept("_.") || hex)
                {
                    return false;
                }

                dot = true;
            }
            else if (Peek() is 'e' or 'E')
            {
                _position++;
                if (exponent)
                {
                    return false;
                }

                exponent = true;
                Accept("+-");
                if (Accept("._eE") || AtEnd)
                {
                    return false;
                }
            }
            else if (Peek() == '_')
            {
                _position++;
                if (Accept("._eE") || AtEnd)
                {
                    return false;
                }
            }
            else
            {
                while (Accept(digits))
                {
                }
            }
        }

        return _position > _start && !IsAlphaNumeric(Peek());
    }

    private bool ScanRestOfDuration()
    {
        if (!Accept("smhdwy"))
        {
            return false;
        }

        Accept("s");
        while (Accept("0123456789"))
        {
            while (Accept("0123456789"))
            {
            }

            if (!Accept("smhdw"))
            {
                return false;
            }

            Accept("s");
        }

        if (!IsAlphaNumeric(Peek()))
        {
            return true;
        }

        _position++;
        return false;
    }

    private bool Accept(string characters)
    {
        if (AtEnd || !characters.Contains(text[_position], StringComparison.Ordinal))
        {
            return false;
        }

        _position++;
        return true;
    }

    private Token QuotedString(char quote)
    {
        while (true)
        {
            if (AtEnd || text[_position] == '\n')
            {
                throw Error("unterminated quoted string");
            }

            var c = text[_position++];
            if (c == quote)
            {
                return Emit(TokenKind.String);
            }

            if (c == '\\')
            {
                var problem = StringLiterals.CheckEscape(text, quote, ref _position);
                if (problem is not null)
                {
                    throw Error(problem);
                }
            }
            else if (IsLoneSurrogate(c))
            {
                throw Error("invalid UTF-8 rune");
            }
        }
    }

    private Token RawString()
    {
        while (true)
        {
            if (AtEnd)
            {
                throw Error("unterminated raw string");
            }

            var c = text[_position++];
            if (c == '`')
            {
                return Emit(TokenKind.String);
            }

            if (IsLoneSurrogate(c))
            {
                throw Error("invalid UTF-8 rune");
            }
        }
    }

    private bool IsLoneSurrogate(char c)
    {
        if (!char.IsSurrogate(c))
        {
            return false;
        }

        if (char.IsHighSurrogate(c) && char.IsLowSurrogate(Peek()))
        {
            _position++;
            return false;
        }

        return true;
    }
}

using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Tests.Syntax;

public sealed class PromQLParserTests
{
    [Theory]
    [InlineData("", "1:1: parse error: no expression found in input")]
    [InlineData("# only a comment", "1:1: parse error: no expression found in input")]
    [InlineData("1+", "1:3: parse error: unexpected end of input")]
    [InlineData("*1", "1:1: parse error: unexpected <op:*>")]
    [InlineData("(1))", "1:5: parse error: unexpected right parenthesis ')'")]
    [InlineData("((1)", "1:5: parse error: unclosed left parenthesis")]
    [InlineData("1 and 1", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression")]
    [InlineData("1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier")]
    [InlineData("1 =~ 1", "1:3: parse error: unexpected character after '=': '~'")]
    [InlineData("-\"s\"", "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\"")]
    [InlineData("a - on(b) ignoring(c) d", "1:11: parse error: unexpected <ignoring>")]
    [InlineData("foo + group_left(baz) bar", "1:7: parse error: unexpected <group_left>")]
    [InlineData("foo and on(bar) group_left(baz) bar", "1:1: parse error: no grouping allowed for \"and\" operation")]
    [InlineData("a + on(x) group_left(y,x) b", "1:3: parse error: label \"x\" must not occur in ON and GROUP clause at once")]
    [InlineData("foo + bool bar", "1:5: parse error: bool modifier can only be used on comparison operators")]
    [InlineData("foo == on(bar) 10", "1:1: parse error: vector matching only allowed between instant vectors")]
    [InlineData("foo{", "1:5: parse error: unexpected end of input inside braces")]
    [InlineData("foo}", "1:4: parse error: unexpected character: '}'")]
    [InlineData("foo{a=b}", "1:7: parse error: unexpected identifier \"b\" in label matching, expected string")]
    [InlineData("foo{gibberish}", "1:14: parse error: unexpected \"}\" in label matching, expected label matching operator")]
    [InlineData("{x=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher")]
    [InlineData("foo{__name__=\"bar\"}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\"")]
    [InlineData("foo[5m] offset 1m offset 2m", "1:1: parse error: offset may not be set multiple times")]
    [InlineData("foo offset 1m[5m]", "1:14: parse error: no offset modifiers allowed before range")]
    [InlineData("(foo + bar)[5m]", "1:12: parse error: ranges only allowed for vector selectors")]
    [InlineData("1 offset 1d", "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery")]
    [InlineData("foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times")]
    [InlineData("foo @ start", "1:12: parse error: unexpected end of input in @, expected timestamp")]
    [InlineData("sum by (1) (foo)", "1:9: parse error: unexpected number \"1\" in grouping opts, expected label")]
    [InlineData("sum x by (test)", "1:5: parse error: unexpected identifier \"x\"")]
    [InlineData("sum()", "1:1: parse error: no arguments for aggregate expression provided")]
    [InlineData("topk(foo)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1")]
    [InlineData("topk(foo, bar)", "1:6: parse error: expected type scalar in aggregation parameter, got instant vector")]
    [InlineData("floor()", "1:1: parse error: expected 1 argument(s) in call to \"floor\", got 0")]
    [InlineData("hour(a, b, c)", "1:1: parse error: expected at most 1 argument(s) in call to \"hour\", got 3")]
    [InlineData("label_join(a)", "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 1")]
    [InlineData("rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector")]
    [InlineData("Rate(foo[5m])", "1:1: parse error: unknown function with name \"Rate\"")]
    [InlineData("abs(1,)", "1:6: parse error: trailing commas not allowed in function call args")]
    [InlineData("sort_by_label(foo, \"a\")", "1:1: parse error: function \"sort_by_label\" is not enabled")]
    [InlineData("limitk(1, foo)", "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions")]
    [InlineData("foo[5m+1m]", "1:5: parse error: experimental duration expression is not enabled")]
    [InlineData("'foo\\gbar'", "1:1: parse error: unknown escape sequence U+0067 'g'")]
    [InlineData("\"abc", "1:1: parse error: unterminated quoted string")]
    [InlineData("foo\n  + bar baz", "2:9: parse error: unexpected identifier \"baz\"")]
    [InlineData("{\"ü\"=\"x\"} ☃", "1:12: parse error: unexpected character: '☃'")]
    public void Parse_of_an_invalid_query_says_what_is_wrong_and_where(string query, string message)
    {
        var error = Assert.Throws<ParseException>(() => PromQLParser.Parse(query));

        Assert.Equal(message, error.Message);
    }

    [Theory]
    [InlineData("1 + 2 * 3 ^ 4 ^ 5", "(1 + (2 * (3 ^ (4 ^ 5))))")]
    [InlineData("-a ^ 2", "-((a ^ 2))")]
    [InlineData("-a * b", "(-(a) * b)")]
    [InlineData("a or b and c unless d == e + f % g atan2 h", "(a or ((b and c) unless (d == (e + ((f % g) atan2 h)))))")]
    [InlineData("a - b - c", "((a - b) - c)")]
    [InlineData("a == b != c", "((a == b) != c)")]
    public void Parse_binds_operators_by_precedence(string query, string grouped)
    {
        Assert.Equal(grouped, Group(PromQLParser.Parse(query)));
    }

    [Theory]
    [InlineData("0x1F", 31)]
    [InlineData("010", 8)]
    [InlineData("1_000", 1000)]
    [InlineData(".5e1", 5)]
    [InlineData("1h30m", 5400)]
    [InlineData("-1y", -31536000)]
    [InlineData("inF", double.PositiveInfinity)]
    [InlineData("nan", double.NaN)]
    public void Parse_reads_numbers_and_durations(string query, double value)
    {
        Assert.Equal(value, Assert.IsType<NumberLiteral>(PromQLParser.Parse(query)).Value);
    }

    [Theory]
    [InlineData("sum", "sum")]
    [InlineData("offset", "offset")]
    [InlineData("and", "and")]
    [InlineData("start{by=\"a\"}", "start{by=\"a\"}")]
    [InlineData("SUM BY (on) (Bool:x)", "sum by (on) (Bool:x)")]
    [InlineData("{\"my.metric\", 'a b'!=\"c\"}", "{\"a b\"!=\"c\",__name__=\"my.metric\"}")]
    [InlineData("up{job=\"b\",instance!=\"a\",job!=\"a\"}", "up{instance!=\"a\",job!=\"a\",job=\"b\"}")]
    [InlineData("sum without(\"a.b\", c,) (foo)", "sum without (\"a.b\", c) (foo)")]
    public void Parse_accepts_keywords_and_utf8_as_names(string query, string printed)
    {
        Assert.Equal(printed, PromQLParser.Parse(query).ToString());
    }

    [Theory]
    [InlineData("foo{a=\"b\"}[5m] @ 1.5 offset -1h", "foo{a=\"b\"}[5m] @ 1.500 offset -1h")]
    [InlineData("foo offset 5m @ end()", "foo @ end() offset 5m")]
    [InlineData("(foo)[1h:]", "(foo)[1h:]")]
    [InlineData("rate(foo[90s])[30m:1m] offset 1w", "rate(foo[1m30s])[30m:1m] offset 1w")]
    [InlineData("a == bool on(x) group_left b", "a == bool on (x) group_left () b")]
    [InlineData("sum(foo) by (a)", "sum by (a) (foo)")]
    [InlineData("1e6 + 0.00001", "1e+06 + 1e-05")]
    [InlineData("label_replace(a, 'b\\n', `\\`, \"d\\xff\", \"\")", "label_replace(a, \"b\\n\", \"\\\\\", \"d\\xff\", \"\")")]
    public void ToString_prints_as_prometheus_does(string query, string printed)
    {
        Assert.Equal(printed, PromQLParser.Parse(query).ToString());
    }

    [Fact]
    public void ParseSelector_returns_the_matchers_and_refuses_expressions()
    {
        var matchers = PromQLParser.ParseSelector("up{job=~\"a|b\"}");

        Assert.Equal(["job=~\"a|b\"", "__name__=\"up\""], matchers.Select(m => m.ToString()));
        Assert.Throws<ParseException>(() => PromQLParser.ParseSelector("up + 1"));
        Assert.Throws<ParseException>(() => PromQLParser.ParseSelector("rate(up[5m])"));
        Assert.Throws<ParseException>(() => PromQLParser.ParseSelector("{a=\"\"}"));
    }

    [Fact]
    public void SelectorUse_lists_selectors_with_the_time_they_depend_on()
    {
        var uses = SelectorUse.Of(PromQLParser.Parse("sum(rate(a[5m])) / max_over_time(avg(b{x=\"y\"})[1h:1m])"));

        Assert.Equal(
            [("a", 300_000L, 0L, "rate"), ("b", 0L, 3_600_000L, "avg")],
            uses.Select(u => (u.Selector.Name, u.RangeMs, u.SubqueryRangeMs, u.Function)));
        Assert.Equal("__name__=\"a\"", Assert.Single(uses[0].NameMatchers).ToString());
    }

    [Fact]
    public void Parse_of_deep_nesting_is_an_error_not_a_crash()
    {
        Assert.Throws<ParseException>(() => PromQLParser.Parse(new string('(', 100_000) + "1" + new string(')', 100_000)));
        Assert.Throws<ParseException>(() => PromQLParser.Parse(string.Concat(Enumerable.Repeat("-(", 50_000))));
        Assert.Throws<ParseException>(() => PromQLParser.Parse(string.Join(" + ", Enumerable.Repeat("a", 50_000))));
    }

    private static string Group(Expr node) => node switch
    {
        BinaryExpr binary => $"({Group(binary.Left)} {binary.Operator.Symbol()} {Group(binary.Right)})",
        UnaryExpr unary => $"-({Group(unary.Operand)})",
        _ => node.ToString(),
    };
}

using System.Text;
using System.Text.RegularExpressions;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Tests.Labels;

public sealed class AnchoredRegexTests
{
    [Fact]
    public void Expressions_mean_what_they_mean_in_re2()
    {
        static void Check(string pattern, string[] matching, string[] other)
        {
            var regex = new AnchoredRegex(pattern);
            Assert.All(matching, text => Assert.True(regex.IsMatch(Encoding.UTF8.GetBytes(text)), $"{pattern} has to match {text}"));
            Assert.All(other, text => Assert.False(regex.IsMatch(Encoding.UTF8.GetBytes(text)), $"{pattern} must not match {text}"));
        }

        Check("", [""], ["a"]);
        Check("up", ["up"], ["upp", "xup", ""]);
        Check("a|b|", ["a", "b", ""], ["ab", "c"]);
        Check("^foo$", ["foo"], ["xfoo", "foox"]);
        Check("foo|^bar", ["foo", "bar"], ["foobar", "xbar"]);
        Check("(^a$|cb).*", ["a", "cb", "cbx"], ["ab", "acb"]);
        Check("x(^a|b)", ["xb"], ["xa", "a"]);
        Check("v[12]\\.0", ["v1.0", "v2.0"], ["v3.0", "v1x0"]);
        Check("pre_(a|b(c|d))?", ["pre_", "pre_a", "pre_bc", "pre_bd"], ["pre_b", "pre"]);
        Check(".*", ["", "a", "a\nb", "日本"], []);
        Check(".+", ["a", "\n"], [""]);
        Check("http_.*", ["http_", "http_x"], ["http", "xhttp_"]);
        Check("http_.+", ["http_x"], ["http_"]);
        Check(".*_total", ["_total", "a_total"], ["a_totals"]);
        Check(".+_(total|count)", ["a_total", "a_count"], ["_total", "a_sum"]);
        Check(".*err.*", ["err", "xerrx"], ["er"]);
        Check(".+err.+", ["xerrx", "errerrerr"], ["err", "xerr", "errx"]);
        Check("a.*|.*b", ["a", "ax", "b", "xb"], ["xa x", "bx"]);
        Check("a.c", ["abc", "a\nc", "a日c", "a😀c"], ["ac", "abbc"]);
        Check("a.{2}c", ["axxc", "a😀😀c"], ["a😀c"]);
        Check("[^a]", ["b", "\n", "日", "😀"], ["a", "", "bb"]);
        Check("[^a]*", ["", "b😀b"], ["ba"]);
        Check("[😀-😎]", ["😀", "😅", "😎"], ["🙀", "a"]);
        Check("[^😀]", ["😁", "a"], ["😀"]);
        Check("[a-z😀]+", ["a😀b"], ["a😁"]);
        Check("(?-s)a.c", ["abc"], ["a\nc"]);
        Check("(?-s).*", ["abc"], ["a\nc"]);
        Check("\\d\\D\\w\\W\\s\\S", ["1a_- x"], ["٣a_- x"]);
        Check("\\w+", ["aZ_09"], ["é", "a-b"]);
        Check("[[:alpha:][:digit:]_]+", ["aZ9_"], ["-", "é"]);
        Check("[[:^alpha:]]", ["1", "é"], ["a"]);
        Check("[\\d\\-x]+", ["1-x"], ["y"]);
        Check("[]a]+", ["]a"], ["b"]);
        Check("[^]a]", ["b"], ["]", "a"]);
        Check("[a-]+", ["a-"], ["b"]);
        Check("[\\w-.]+", ["a-.b"], ["!"]);
        Check("\\pL+\\p{Lu}\\P{L}\\p{^L}", ["éÉ11"], ["ée11"]);
        Check("(?i)foo", ["foo", "FOO", "fOo"], ["fo"]);
        Check("(?i:f)oo", ["Foo", "foo"], ["fOo"]);
        Check("(?i)[a-c]x(?-i)y", ["AXy", "bxy"], ["AXY"]);
        Check("a(?i)b|c", ["aB", "C"], ["AB"]);
        Check("\\Qa.b|c\\E", ["a.b|c"], ["axb|c"]);
        Check("\\Qab\\E+", ["abbb"], ["abab"]);
        Check("\\x41\\x{1F600}\\101\\a\\n\\t\\.", ["A😀A\a\n\t."], []);
        Check("a{2,3}b{0}c{,2}", ["aac{,2}", "aaac{,2}"], ["ac{,2}"]);
        Check("a{01}", ["a{01}"], ["a"]);
        Check("x{", ["x{"], ["x"]);
        Check("(?U)a+(?:b|c)", ["aab"], ["b"]);
        Check("(?m)a$\n^b", ["a\nb"], ["ab"]);
        Check("\\ba\\b-\\Bb?", ["a-"], ["a"]);
        Check("(?P<x>a)(?<y>b)", ["ab"], ["a"]);
        Check("(a*)*", ["", "aaa"], ["b"]);
        Check("10\\.0\\.[0-9]{1,3}\\.(25[0-5]|[0-9]+)", ["10.0.12.255"], ["10.0.1234.1"]);
    }

    [Fact]
    public void What_is_not_re2_is_refused_with_its_place()
    {
        static void Check(string pattern, string want)
        {
            var e = Assert.Throws<ArgumentException>(() => new AnchoredRegex(pattern));
            Assert.StartsWith("error parsing regexp: " + want, e.Message);
        }

        Check("(foo", "missing closing ): `(foo` at offset 4");
        Check("foo)", "unexpected ): `foo)` at offset 3");
        Check("[a", "missing closing ]: `[a` at offset 0");
        Check("x[z-a]", "invalid character class range: `z-a` at offset 2");
        Check("[[:nope:]]", "invalid character class range: `[:nope:]` at offset 1");
        Check("\\p{Greek}", "invalid character class range: `\\p{Greek}` at offset 0");
        Check("*a", "missing argument to repetition operator: `*` at offset 0");
        Check("a|+", "missing argument to repetition operator: `+` at offset 2");
        Check("a**", "invalid nested repetition operator: `**` at offset 1");
        Check("a*+", "invalid nested repetition operator: `*+` at offset 1");
        Check("a{1001}", "invalid repeat count: `{1001}` at offset 1");
        Check("a{3,2}", "invalid repeat count: `{3,2}` at offset 1");
        Check("(a{100}){100}", "invalid repeat count: `{100}` at offset 8");
        Check("a(?=b)", "invalid or unsupported Perl syntax: `(?=` at offset 1");
        Check("(?<=b)", "invalid or unsupported Perl syntax: `(?<` at offset 0");
        Check("(?<!b)", "invalid or unsupported Perl syntax: `(?<` at offset 0");
        Check("(?>b)", "invalid or unsupported Perl syntax: `(?>` at offset 0");
        Check("(a)\\1", "invalid escape sequence: `\\1` at offset 3");
        Check("\\C", "invalid escape sequence: `\\C` at offset 0");
        Check("\\Z", "invalid escape sequence: `\\Z` at offset 0");
        Check("\\x{110000}", "invalid escape sequence: `\\x{110000}` at offset 0");
        Check("a\\", "trailing backslash at end of expression: `` at offset 1");
        Check("(?P<1 >a)", "invalid named capture: `(?P<1 >` at offset 0");
        Check(new string('(', 2000), "expression nests too deeply");
    }

    [Fact]
    public void Lists_are_recognized_however_they_are_written()
    {
        static void Check(string pattern, params string[] want) => Assert.Equal(want, new AnchoredRegex(pattern).Literals);

        Check("up", "up");
        Check("a|b", "a", "b");
        Check("(a|b)", "a", "b");
        Check("^(?:a|b)$", "a", "b");
        Check("node_(cpu|memory)_total", "node_cpu_total", "node_memory_total");
        Check("10\\.0", "10.0");
        Check("v[1-3]", "v1", "v2", "v3");
        Check("a?b", "ab", "b");
        Assert.Null(new AnchoredRegex("a.*").Literals);
        Assert.Null(new AnchoredRegex("(?i)a").Literals);
        Assert.Null(new AnchoredRegex("a+").Literals);
        Assert.Null(new AnchoredRegex("[a-z][a-z][a-z]").Literals);
    }

    [Fact]
    public void Expand_fills_in_groups_as_go_does()
    {
        static void Check(string pattern, string text, string replacement, string? want) => Assert.Equal(want, new AnchoredRegex(pattern).Expand(text, replacement));

        Check("(.*)", "abc", "$1", "abc");
        Check("(.*)", "abc", "x$1y", "x");
        Check("(.*)", "abc", "x${1}y", "xabcy");
        Check("([^:]+)(?::\\d+)?", "host:9100", "$1:80", "host:80");
        Check("(?P<h>.+):(?P<p>\\d+)", "h:1", "${p}-$h-$2", "1-h-1");
        Check("(a)(?P<n>b)(c)", "abc", "$3$2$1", "cba");
        Check("(.*)", "abc", "$$1 $ $- ${ ${} ${1 $x", "$1 $ $- ${ ${} ${1 ");
        Check("(.*)", "abc", "$0$9", "abc");
        Check("(a)|(b)", "b", "[$1$2]", "[b]");
        Check("(?P<n>a)|(?P<n>b)", "b", "$n", "b");
        Check("a", "b", "x", null);
        Check("foo", "foo", "$0!", "foo!");
    }

    [Fact]
    public void Fast_paths_answer_as_an_automaton_does()
    {
        SeededRandom.Run(random =>
        {
            for (var i = 0; i < 400; i++)
            {
                var pattern = RandomPattern(random, 3);
                var regex = new AnchoredRegex(pattern);
                var oracle = new Regex("\\A(?:" + pattern + ")\\z", RegexOptions.Singleline | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
                for (var t = 0; t < 40; t++)
                {
                    var text = string.Concat(Enumerable.Range(0, random.Next(7)).Select(_ => "abc"[random.Next(3)]));
                    Assert.True(oracle.IsMatch(text) == regex.IsMatch(Encoding.UTF8.GetBytes(text)), $"{pattern} on {text}");
                }
            }
        });
    }

    [Fact]
    public void Matching_allocates_nothing()
    {
        AnchoredRegex[] regexes = [new("a|b|http_requests_total"), new("http_.*"), new(".+_total"), new(".*requests.*"), new("http_[a-z]+_to(t|x)al{1,3}")];
        var text = "http_requests_total"u8.ToArray();
        AllocationAssert.AtMost(0, () =>
        {
            foreach (var regex in regexes)
            {
                if (!regex.IsMatch(text))
                {
                    throw new InvalidOperationException(regex.Pattern);
                }
            }
        });
    }

    [Fact]
    public void Hostile_expressions_take_linear_time()
    {
        var regex = new AnchoredRegex("(a|a?)+b");
        Assert.False(regex.IsMatch(Encoding.UTF8.GetBytes(new string('a', 20_000))));
    }

    private static string RandomPattern(Random random, int depth) => random.Next(depth > 0 ? 9 : 4) switch
    {
        0 => "abc"[random.Next(3)].ToString(),
        1 => ".*",
        2 => ".+",
        3 => new[] { "[ab]", "[^a]", "a?", "ab", "" }[random.Next(5)],
        4 or 5 => RandomPattern(random, depth - 1) + RandomPattern(random, depth - 1),
        6 => $"({RandomPattern(random, depth - 1)}|{RandomPattern(random, depth - 1)})",
        7 => $"(?:{RandomPattern(random, depth - 1)}){new[] { "*", "+", "?", "{2}", "{1,2}" }[random.Next(5)]}",
        _ => $"^{RandomPattern(random, depth - 1)}$",
    };
}

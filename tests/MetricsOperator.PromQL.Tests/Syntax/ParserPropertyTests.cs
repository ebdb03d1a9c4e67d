using MetricsOperator.PromQL.Syntax;
using MetricsOperator.TestKit;
using MetricsOperator.TestKit.PromQL;

namespace MetricsOperator.PromQL.Tests.Syntax;

public sealed class ParserPropertyTests
{
    private const string Alphabet = "abcxyz019_:.,;(){}[]<>=!~+-*/%^@#\"'`\\ \n\té\uD800\uFFFF$&|?5mshdwy";

    [Fact]
    public void Printed_expressions_parse_to_the_same_print()
    {
        SeededRandom.Run(random =>
        {
            var generator = new ExpressionGenerator(random);
            for (var i = 0; i < 5_000; i++)
            {
                var query = generator.Vector(random.Next(5));
                var printed = PromQLParser.Parse(query, ParserOptions.Everything).ToString();

                Assert.Equal(printed, PromQLParser.Parse(printed, ParserOptions.Everything).ToString());
            }
        });
    }

    [Fact]
    public void Random_queries_printed_on_one_line_or_over_several_are_the_same_tree()
    {
        SeededRandom.Run(random =>
        {
            var queries = new RandomQueries(random, QueryDialect.Newest);
            var split = 0;
            for (var i = 0; i < 5_000; i++)
            {
                Expr parsed;
                var query = queries.Next();
                try
                {
                    parsed = PromQLParser.Parse(query, ParserOptions.Everything);
                }
                catch (ParseException)
                {
                    // Operands without parentheses bound in a way that is not valid.
                    continue;
                }

                var (line, lines) = (parsed.ToString(), parsed.ToPrettyString());
                split += lines.Contains('\n', StringComparison.Ordinal) ? 1 : 0;
                foreach (var printed in new[] { line, lines })
                {
                    var again = PromQLParser.Parse(printed, ParserOptions.Everything);
                    Assert.Equal(Shape(parsed), Shape(again));
                    Assert.Equal((line, lines), (again.ToString(), again.ToPrettyString()));
                }
            }

            Assert.InRange(split, 100, 5_000);
        });
    }

    [Fact]
    public void Mutated_queries_parse_or_fail_cleanly()
    {
        SeededRandom.Run(random =>
        {
            var generator = new ExpressionGenerator(random);
            var seeds = Enumerable.Range(0, 200).Select(_ => generator.Vector(random.Next(4))).ToArray();
            for (var i = 0; i < 200_000; i++)
            {
                var query = Mutate(seeds[random.Next(seeds.Length)], random);
                try
                {
                    PromQLParser.Parse(query, ParserOptions.Everything);
                }
                catch (ParseException e)
                {
                    Assert.InRange(e.Position.Start, 0, query.Length);
                }
            }
        });
    }

    [Fact]
    public void Long_duration_expressions_are_refused_and_shorter_ones_print_in_linear_space()
    {
        var chain = "up[" + string.Concat(Enumerable.Repeat("1+", 900)) + "1]";
        var parsed = PromQLParser.Parse(chain, ParserOptions.Everything);
        AllocationAssert.AtMost(chain.Length * 256, () => parsed.ToString());
        Assert.Equal(parsed.ToString(), PromQLParser.Parse(parsed.ToString(), ParserOptions.Everything).ToString());

        // Evaluating or printing this recursively would end the process.
        var endless = "up[" + string.Concat(Enumerable.Repeat("1+", 300_000)) + "1]";
        var error = Assert.Throws<ParseException>(() => PromQLParser.Parse(endless, ParserOptions.Everything));
        Assert.Contains("nested too deeply", error.Message, StringComparison.Ordinal);
    }

    // Nodes and their numbers of children, parents first, fix the tree.
    private static string Shape(Expr expression) => string.Join(' ', expression.DescendantsAndSelf().Select(e => $"{e.GetType().Name}/{e.Children.Count()}"));

    private static string Mutate(string query, Random random)
    {
        var text = query.ToCharArray().ToList();
        for (var edits = random.Next(1, 4); edits > 0 && text.Count > 0; edits--)
        {
            var at = random.Next(text.Count);
            switch (random.Next(4))
            {
                case 0: text.RemoveAt(at); break;
                case 1: text.Insert(at, Alphabet[random.Next(Alphabet.Length)]); break;
                case 2: text[at] = Alphabet[random.Next(Alphabet.Length)]; break;
                default: text.RemoveRange(at, Math.Min(random.Next(8), text.Count - at)); break;
            }
        }

        return new string([.. text]);
    }
}

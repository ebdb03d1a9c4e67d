using MetricsOperator.PromQL.Syntax;
using MetricsOperator.TestKit;

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

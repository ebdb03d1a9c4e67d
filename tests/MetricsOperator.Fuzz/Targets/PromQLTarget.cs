using System.Text;
using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The PromQL parser: what it accepts is printed and parsed again, and must be the same tree.</summary>
public sealed class PromQLTarget : FuzzTarget
{
    /// <summary>Most that compiling one regular expression, whose automaton has a limit, may allocate; each is compiled twice here.</summary>
    private const long RegexBytes = 16 * 1024 * 1024;

    public override string Name => "promql";

    /// <summary>A token of one byte becomes a tree node; regular expressions come on top.</summary>
    public override AllocationBound Bound => new(64 * 1024, 4096);

    public override long AllowedFor(ReadOnlySpan<byte> input) => base.AllowedFor(input) + (RegexBytes * (input.Count("=~"u8) + input.Count("!~"u8)));

    public override int MaxInputBytes => 8192;

    public override IReadOnlyList<byte[]> Dictionary => PromQLSeeds.Words;

    public override IReadOnlyList<byte[]> Seeds() => PromQLSeeds.Queries();

    public override bool IsDocumented(Exception exception) => exception is ParseException;

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var query = Encoding.UTF8.GetString(input.Span);
        var parsed = PromQLParser.Parse(query, ParserOptions.Everything);
        var printed = parsed.ToString();
        Expr again;
        try
        {
            again = PromQLParser.Parse(printed, ParserOptions.Everything);
        }
        catch (ParseException e)
        {
            throw new InvariantException($"what is printed cannot be parsed: {e.Problem}: {printed}");
        }

        if (ExprComparison.Difference(parsed, again) is { } difference)
        {
            throw new InvariantException($"{difference}: is printed as {printed}");
        }

        var outcome = new Outcome();
        outcome.AddCount(ExprComparison.Shape(parsed, ref outcome));
        return outcome.Value;
    }
}

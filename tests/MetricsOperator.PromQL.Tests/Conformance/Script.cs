using System.Text.RegularExpressions;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Conformance;

internal abstract record Command(int Line);

internal sealed record Clear(int Line) : Command(Line);

internal sealed record Load(int Line, long StepMs, bool WithCustomBuckets, List<(LabelSet Labels, List<Point> Values)> Series) : Command(Line);

/// <summary>An expected message: exact, by regular expression, or any.</summary>
internal sealed record MessageCheck(string? Text = null, string? Pattern = null)
{
    public bool Accepts(string message) => Pattern is not null ? Regex.IsMatch(message, Pattern) : Text is null || Text == message;
}

internal sealed record Expected(int Position, LabelSet Labels, List<Point> Values);

internal sealed record Eval(int Line, string Query, bool IsRange) : Command(Line)
{
    public long StartMs { get; set; }

    public long EndMs { get; set; }

    public long StepMs { get; set; }

    public long TimeMs { get; set; }

    public bool Ordered { get; set; }

    public MessageCheck? Fail { get; set; }

    public List<MessageCheck> Warn { get; } = [];

    public List<MessageCheck> Info { get; } = [];

    public bool NoWarn { get; set; }

    public bool NoInfo { get; set; }

    public double? Scalar { get; set; }

    public string? Text { get; set; }

    public bool IsRangeVector { get; set; }

    public Dictionary<LabelSet, Expected> Series { get; } = [];
}

/// <summary>Parser of Prometheus' promqltest language.</summary>
internal static partial class Script
{
    public static List<Command> Parse(string text)
    {
        var lines = text.Split('\n').Select(l => l.Trim()).Select(l => l.StartsWith('#') ? string.Empty : l).ToArray();
        var commands = new List<Command>();
        for (var i = 0; i < lines.Length;)
        {
            var line = lines[i];
            if (line.Length == 0)
            {
                i++;
            }
            else if (line == "clear")
            {
                commands.Add(new Clear(++i));
            }
            else if (line.StartsWith("load", StringComparison.Ordinal))
            {
                commands.Add(ParseLoad(lines, ref i));
            }
            else
            {
                commands.Add(ParseEval(lines, ref i));
            }
        }

        return commands;
    }

    private static Load ParseLoad(string[] lines, ref int i)
    {
        var match = LoadLine().Match(lines[i]);
        var load = new Load(i + 1, Time(match.Groups[2].Value), match.Groups[1].Success, []);
        for (i++; i < lines.Length && lines[i].Length > 0; i++)
        {
            load.Series.Add(SeriesNotation.Parse(lines[i]));
        }

        return load;
    }

    private static Eval ParseEval(string[] lines, ref int i)
    {
        var eval = ParseHeader(lines[i], i + 1);
        var position = 0;
        for (i++; i < lines.Length && lines[i].Length > 0; i++)
        {
            var line = lines[i];
            if (line.StartsWith("expected_fail_message", StringComparison.Ordinal))
            {
                eval.Fail = new MessageCheck(line["expected_fail_message".Length..].Trim());
            }
            else if (line.StartsWith("expected_fail_regexp", StringComparison.Ordinal))
            {
                eval.Fail = new MessageCheck(Pattern: line["expected_fail_regexp".Length..].Trim());
            }
            else if (line.StartsWith("expect string", StringComparison.Ordinal))
            {
                eval.Text = StringLiterals.Unquote(line["expect string".Length..].Trim());
            }
            else if (RangeVectorLine().Match(line) is { Success: true } range)
            {
                (eval.StartMs, eval.EndMs, eval.StepMs) = (Time(range.Groups[1].Value), Time(range.Groups[2].Value), Time(range.Groups[3].Value));
                eval.TimeMs = eval.EndMs;
                eval.IsRangeVector = true;
            }
            else if (ExpectLine().Match(line) is { Success: true } expect)
            {
                Apply(eval, expect);
            }
            else if (GoNumbers.TryParse(line) is { } scalar)
            {
                eval.Scalar = scalar;
            }
            else
            {
                var (labels, values) = SeriesNotation.Parse(line);
                eval.Series[labels] = new Expected(position++, labels, values.Count > 0 ? values : [default]);
            }
        }

        return eval;
    }

    private static Eval ParseHeader(string line, int number)
    {
        Eval eval;
        string modifier;
        if (InstantLine().Match(line) is { Success: true } instant)
        {
            modifier = instant.Groups[1].Value;
            eval = new Eval(number, instant.Groups[3].Value, IsRange: false) { TimeMs = Time(instant.Groups[2].Value) };
            eval.StartMs = eval.EndMs = eval.TimeMs;
        }
        else
        {
            var range = RangeLine().Match(line);
            Assert.True(range.Success, $"line {number}: not a command: {line}");
            modifier = range.Groups[1].Value;
            eval = new Eval(number, range.Groups[5].Value, IsRange: true)
            {
                StartMs = Time(range.Groups[2].Value),
                EndMs = Time(range.Groups[3].Value),
                StepMs = Time(range.Groups[4].Value),
            };
        }

        switch (modifier)
        {
            case "fail": eval.Fail = new MessageCheck(); break;
            case "warn": eval.Warn.Add(new MessageCheck()); break;
            case "info": eval.Info.Add(new MessageCheck()); break;
            case "ordered": eval.Ordered = true; break;
        }

        return eval;
    }

    private static void Apply(Eval eval, Match expect)
    {
        var text = expect.Groups[3].Value.Trim();
        var check = expect.Groups[2].Value switch
        {
            "msg" => new MessageCheck(text),
            "regex" => new MessageCheck(Pattern: text),
            _ => new MessageCheck(),
        };
        switch (expect.Groups[1].Value)
        {
            case "ordered": eval.Ordered = true; break;
            case "fail": eval.Fail = check; break;
            case "warn": eval.Warn.Add(check); break;
            case "info": eval.Info.Add(check); break;
            case "no_warn": eval.NoWarn = true; break;
            case "no_info": eval.NoInfo = true; break;
        }
    }

    private static long Time(string text) => text.StartsWith('-')
        ? -Time(text[1..])
        : Durations.TryParse(text.Trim()) ?? throw new FormatException($"not a duration: {text}");

    [GeneratedRegex(@"^load(?:_(with_nhcb))?\s+(.+?)$")]
    private static partial Regex LoadLine();

    [GeneratedRegex(@"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(.+?))?\s+(.+)$")]
    private static partial Regex InstantLine();

    [GeneratedRegex(@"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+?)\s+(.+)$")]
    private static partial Regex RangeLine();

    [GeneratedRegex(@"^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$")]
    private static partial Regex ExpectLine();

    [GeneratedRegex(@"^expect range vector\s+from\s+(.+)\s+to\s+(.+)\s+step\s+(.+)$")]
    private static partial Regex RangeVectorLine();
}

using System.Globalization;
using System.Text;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.PromQL.Tests.Conformance;
using MetricsOperator.TestKit;
using MetricsOperator.TestKit.PromQL;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>The engine against an evaluator that is slow and straight from the definitions, on random queries over random data.</summary>
public sealed class DifferentialTests
{
    private const int Queries = 2000;
    private const int QueriesPerDataSet = 50;
    private const int Reported = 10;

    /// <summary>
    /// Data are multiples of 1/8, so that most answers are equal to the bit; where the order of operations is free (means of histograms,
    /// regressions, compensated sums) the last digits may differ, which an operator after them can make larger.
    /// </summary>
    private const double RelativeTolerance = 1e-9;

    private const double AbsoluteTolerance = 1e-9;

    private readonly QueryEngine _engine = new(new QueryEngineOptions { Features = EngineFeatures.ExperimentalFunctions });

    [Fact]
    public void Engine_answers_random_queries_as_the_slow_evaluator()
    {
        SeededRandom.Run(random =>
        {
            int compared = 0, open = 0, failing = 0, empty = 0, invalid = 0;
            var reports = new List<string>();
            while (compared < Queries)
            {
                var data = Data(random);
                var queries = new RandomQueries(random, QueryDialect.Newest);
                for (var i = 0; i < QueriesPerDataSet; i++)
                {
                    var query = Query.Next(random, queries);
                    switch (Compare(data, query, out var problem))
                    {
                        case Outcome.Invalid: invalid++; continue;
                        case Outcome.Open: open++; continue;
                        case Outcome.BothFail: failing++; break;
                        case Outcome.BothEmpty: empty++; break;
                        case Outcome.Different: reports.Add(Report(data, query, problem, withData: reports.Count == 0)); break;
                    }

                    compared++;
                }
            }

            TestContext.Current.TestOutputHelper?.WriteLine($"{compared} compared, of which {empty} empty and {failing} errors; {open} with more than one right answer, {invalid} invalid");

            Assert.True(reports.Count == 0, $"{reports.Count} of {compared} answers differ\n{string.Join('\n', reports.Take(Reported))}");

            // The test is worth something only while most queries are valid, have one right answer and have one at all.
            Assert.InRange(invalid + open, 0, Queries / 5);
            Assert.InRange(failing, 0, Queries / 4);
            Assert.InRange(empty, 0, Queries / 3);
        });
    }

    private static List<StoredSeries> Data(Random random)
    {
        var floats = new RandomData(random, QueryDialect.Newest);
        return
        [
            .. floats.Next().Select(s => new StoredSeries(LabelSet.Of([.. s.Labels]), [.. s.Samples.Select(p => new StoredSample(p.TimestampMs, p.Value, null))])),
            .. new RandomHistograms(random, floats).Next(),
        ];
    }

    private Outcome Compare(List<StoredSeries> data, Query query, out string problem)
    {
        problem = string.Empty;
        Expr expression;
        try
        {
            expression = PromQLParser.Parse(query.Text, ParserOptions.Everything);
        }
        catch (ParseException)
        {
            return Outcome.Invalid;
        }

        List<Element>[]? expected = null;
        var expectedError = string.Empty;
        try
        {
            expected = new ReferenceEvaluator(data, query.Times[0], query.Times[^1]).Vectors(expression, query.Times);
        }
        catch (ReferenceErrorException e)
        {
            expectedError = e.Message;
        }
        catch (AmbiguousException)
        {
            return Outcome.Open;
        }

        MatrixValue? answer = null;
        var error = string.Empty;
        try
        {
            answer = Ask(data, query);
        }
        catch (QueryExecutionException e)
        {
            error = e.Message;
        }

        if (expected is null || answer is null)
        {
            problem = $"want {(expected is null ? "the error " + expectedError : "an answer")}, got {(answer is null ? "the error " + error : "an answer")}";
            return expected is null && answer is null ? Outcome.BothFail : Outcome.Different;
        }

        problem = Difference(expected, query.Times, answer);
        return problem.Length > 0 ? Outcome.Different : expected.All(v => v.Count == 0) ? Outcome.BothEmpty : Outcome.Same;
    }

    // An instant query in the form of a range query with one step.
    private MatrixValue Ask(List<StoredSeries> data, Query query)
    {
        var storage = new MemoryStorage();
        foreach (var series in data)
        {
            foreach (var sample in series.Samples)
            {
                storage.Add(series.Labels, sample.TimestampMs, sample.Value, sample.Histogram);
            }
        }

        if (query.StepMs > 0)
        {
            return (MatrixValue)_engine.Range(storage, query.Text, query.Times[0], query.Times[^1], query.StepMs, QueryOptions.Default, default).Value;
        }

        return _engine.Instant(storage, query.Text, query.Times[0], QueryOptions.Default, default).Value switch
        {
            ScalarValue scalar => new MatrixValue([new MatrixSeries(LabelSet.Empty, [scalar.TimestampMs], [scalar.Value], [], [])]),
            VectorValue vector => new MatrixValue([.. vector.Samples.Select(s => s.Histogram is null
                ? new MatrixSeries(s.Labels, [s.TimestampMs], [s.Value], [], [])
                : new MatrixSeries(s.Labels, [], [], [s.TimestampMs], [s.Histogram]))]),
            var other => throw new InvalidOperationException($"want a vector, got {other.Type}"),
        };
    }

    private static string Difference(List<Element>[] expected, long[] times, MatrixValue answer)
    {
        var got = new Dictionary<(LabelSet, long), Element>();
        foreach (var series in answer.Series)
        {
            for (var i = 0; i < series.Floats.Length; i++)
            {
                got.Add((series.Labels, series.FloatTimestampsMs[i]), new Element(series.Labels, series.Floats[i]));
            }

            for (var i = 0; i < series.Histograms.Length; i++)
            {
                got.Add((series.Labels, series.HistogramTimestampsMs[i]), new Element(series.Labels, 0, ReferenceHistogram.Of(series.Histograms[i])));
            }
        }

        for (var step = 0; step < times.Length; step++)
        {
            foreach (var want in expected[step])
            {
                if (!got.Remove((want.Labels, times[step]), out var actual))
                {
                    return $"want {Show(want)} at {Seconds(times[step])}, got nothing";
                }

                if (!Same(want, actual))
                {
                    return $"want {Show(want)} at {Seconds(times[step])}, got {Show(actual)}";
                }
            }
        }

        return got.Count == 0 ? string.Empty : $"want nothing, got {Show(got.First().Value)} at {Seconds(got.First().Key.Item2)}";
    }

    private static bool Same(Element want, Element got) => (want.Histogram, got.Histogram) switch
    {
        (null, null) => Near(want.Value, got.Value),
        ({ } w, { } g) => w.SameAs(g, Near),
        _ => false,
    };

    private static bool Near(double a, double b) =>
        a == b || (double.IsNaN(a) && double.IsNaN(b)) || Math.Abs(a - b) <= AbsoluteTolerance + (RelativeTolerance * Math.Max(Math.Abs(a), Math.Abs(b)));

    // The smallest part of the query that still gives two answers, with the data that it selects.
    private string Report(List<StoredSeries> data, Query query, string problem, bool withData)
    {
        var parts = PromQLParser.Parse(query.Text, ParserOptions.Everything).DescendantsAndSelf()
            .Where(e => e.Type is PromType.InstantVector or PromType.Scalar)
            .Select(e => query with { Text = e.ToString() })
            .OrderBy(q => q.Text.Length);
        var (smallest, smallestProblem) = (query, problem);
        foreach (var part in parts)
        {
            if (Compare(data, part, out var partProblem) == Outcome.Different)
            {
                (smallest, smallestProblem) = (part, partProblem);
                break;
            }
        }

        var selectors = PromQLParser.Parse(smallest.Text, ParserOptions.Everything).DescendantsAndSelf().OfType<VectorSelector>().ToList();
        var text = new StringBuilder()
            .AppendLine(CultureInfo.InvariantCulture, $"query: {query.Text}")
            .AppendLine(CultureInfo.InvariantCulture, $"       {problem}")
            .AppendLine(CultureInfo.InvariantCulture, $"smallest part: {smallest.Text}")
            .AppendLine(CultureInfo.InvariantCulture, $"       {smallestProblem}")
            .AppendLine(CultureInfo.InvariantCulture, $"times: {string.Join(' ', query.Times.Select(Seconds))} ({(query.StepMs > 0 ? "range" : "instant")} query; all times after {RandomData.StartMs / 1000} s)");
        foreach (var series in data.Where(s => withData && selectors.Exists(v => v.Matchers.All(m => m.Matches(s.Labels)))))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{series.Labels} {string.Join(' ', series.Samples.Select(s => $"{(s.IsStale ? "stale" : s.Histogram is null ? s.Value.ToString("R", CultureInfo.InvariantCulture) : ReferenceHistogram.Of(s.Histogram).ToString())}@{Seconds(s.TimestampMs)}"))}");
        }

        return text.ToString();
    }

    private static string Show(Element element) =>
        $"{element.Labels} {(element.Histogram is null ? element.Value.ToString("R", CultureInfo.InvariantCulture) : element.Histogram.ToString())}";

    private static string Seconds(long timeMs) => ((timeMs - RandomData.StartMs) / 1000.0).ToString(CultureInfo.InvariantCulture);

    private enum Outcome
    {
        Same,
        BothEmpty,
        BothFail,
        Invalid,
        Open,
        Different,
    }

    /// <summary>A query with the times it is asked for; the step is 0 for an instant query.</summary>
    private sealed record Query(string Text, long[] Times, long StepMs)
    {
        public static Query Next(Random random, RandomQueries queries)
        {
            var start = queries.TimeMs();
            var step = random.Next(3) == 0 ? 0 : queries.StepMs();
            return new Query(queries.Next(), [.. Enumerable.Range(0, step == 0 ? 1 : random.Next(1, 9)).Select(i => start + (i * step))], step);
        }
    }
}

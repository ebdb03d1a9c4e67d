using System.Globalization;
using System.Text.RegularExpressions;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.PromQL.Tests.Conformance;

/// <summary>A case of a script: passed if there is no problem.</summary>
internal sealed record CaseResult(int Line, string Query, string? Problem);

/// <summary>
/// Runs scripts as Prometheus' runner does: an instant query also pinned with @ at other times, and all of these as the middle step of
/// a range query.
/// </summary>
internal sealed partial class ScriptRunner
{
    private const long Minute = 60_000;

    private static readonly HashSet<string> TimeDependent = new(StringComparer.Ordinal)
    {
        "days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year", "predict_linear", "time", "timestamp",
    };

    private readonly QueryEngine _engine = new(new QueryEngineOptions
    {
        Features = EngineFeatures.ExperimentalFunctions | EngineFeatures.DurationExpressions | EngineFeatures.DelayedNameRemoval,
    });

    private MemoryStorage _storage = new();

    public static List<CaseResult> Run(string script)
    {
        var runner = new ScriptRunner();
        var results = new List<CaseResult>();
        foreach (var command in Script.Parse(script))
        {
            switch (command)
            {
                case Clear:
                    runner._storage = new MemoryStorage();
                    break;
                case Load load:
                    runner.Store(load);
                    break;
                case Eval eval:
                    results.Add(new CaseResult(eval.Line, eval.Query, runner.ProblemOf(eval)));
                    break;
            }
        }

        return results;
    }

    private void Store(Load load)
    {
        foreach (var (labels, values) in load.Series)
        {
            for (var i = 0; i < values.Count; i++)
            {
                if (!values[i].IsGap)
                {
                    _storage.Add(labels, i * load.StepMs, values[i].Number ?? 0, values[i].Histogram);
                }
            }
        }

        foreach (var (labels, time, histogram) in load.WithCustomBuckets ? CustomBucketLoader.Convert(load) : [])
        {
            _storage.Add(labels, time, 0, histogram);
        }
    }

    private string? ProblemOf(Eval eval)
    {
        try
        {
            Check(eval);
            return null;
        }
        catch (MismatchException e)
        {
            return e.Message;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return $"{e.GetType().Name}: {e.Message}";
        }
    }

    private void Check(Eval eval)
    {
        if (eval.IsRange)
        {
            if (TryQuery(eval, () => _engine.Range(_storage, eval.Query, eval.StartMs, eval.EndMs, eval.StepMs, QueryOptions.Default, default)) is { } range)
            {
                Comparison.CheckValue(eval, range.Value);
            }

            return;
        }

        foreach (var (query, time) in Variants(eval))
        {
            try
            {
                CheckInstant(eval, query, time);
            }
            catch (MismatchException e)
            {
                throw new MismatchException(string.Create(CultureInfo.InvariantCulture, $"{e.Message} [{query} at {time} ms]"));
            }
        }
    }

    private void CheckInstant(Eval eval, string query, long time)
    {
        if (TryQuery(eval, () => _engine.Instant(_storage, query, time, QueryOptions.Default, default)) is not { } result)
        {
            return;
        }

        Comparison.CheckValue(eval, result.Value);
        if (eval.IsRangeVector || eval.Text is not null || result.Value is MatrixValue or StringValue)
        {
            return;
        }

        var range = _engine.Range(_storage, query, time - Minute, time + Minute, Minute, QueryOptions.Default, default);
        if (!eval.Ordered)
        {
            Comparison.CheckStep(eval, (MatrixValue)range.Value, time, result.Value is ScalarValue);
        }
    }

    private static IEnumerable<(string Query, long TimeMs)> Variants(Eval eval)
    {
        var at = eval.TimeMs;
        yield return (eval.Query, at);
        if (Pinned(eval) is not { } pinned)
        {
            yield break;
        }

        foreach (var time in at == 0 ? new[] { -1000L, 0, 1000 } : [-10 * at, 0, at / 5, at, 10 * at])
        {
            yield return (pinned, time);
        }
    }

    // The query with every free selector and subquery pinned to its time, printed; null if that changes its meaning.
    private static string? Pinned(Eval eval)
    {
        Expr expression;
        try
        {
            expression = PromQLParser.Parse(eval.Query, ParserOptions.Everything);
        }
        catch (ParseException)
        {
            return null;
        }

        return Pin(expression, eval.TimeMs, insideSubquery: false) ? expression.ToString() : null;
    }

    private static bool Pin(Expr node, long timeMs, bool insideSubquery)
    {
        if (node is CallExpr call && TimeDependent.Contains(call.Function.Name) && !insideSubquery)
        {
            return false;
        }

        var time = node switch
        {
            VectorSelector selector => selector.Time,
            SubqueryExpr subquery => subquery.Time,
            _ => null,
        };
        if (time is { AtMs: null } && !insideSubquery)
        {
            time.AtMs = timeMs;
            time.Anchor = AtAnchor.None;
        }

        return node.Children.All(child => Pin(child, timeMs, insideSubquery || node is SubqueryExpr));
    }

    private static QueryResult? TryQuery(Eval eval, Func<QueryResult> run)
    {
        QueryResult result;
        try
        {
            result = run();
        }
        catch (Exception e) when (e is ParseException or QueryExecutionException or StorageException)
        {
            if (eval.Fail is null)
            {
                throw new MismatchException($"query failed: {e.Message}");
            }

            return eval.Fail.Accepts(e.Message) ? null : throw new MismatchException($"wrong error: {e.Message}");
        }

        if (eval.Fail is not null)
        {
            throw new MismatchException("query did not fail");
        }

        CheckRemarks("warning", eval.Warn, eval.NoWarn, result.Warnings);
        CheckRemarks("info", eval.Info, eval.NoInfo, result.Infos);
        return result;
    }

    private static void CheckRemarks(string kind, List<MessageCheck> expected, bool forbidden, IReadOnlyList<string> actual)
    {
        if (forbidden && actual.Count > 0)
        {
            throw new MismatchException($"unexpected {kind}: {actual[0]}");
        }

        if (expected.Count == 0)
        {
            return;
        }

        var texts = actual.Select(a => (Full: a, Bare: Position().Replace(a, string.Empty))).ToList();
        var missing = expected.Find(e => !texts.Exists(t => e.Accepts(t.Full) || e.Accepts(t.Bare)));
        if (missing is not null)
        {
            throw new MismatchException($"no {kind} {missing}; got [{string.Join("; ", actual)}]");
        }

        var extra = texts.Find(t => !expected.Exists(e => e.Accepts(t.Full) || e.Accepts(t.Bare)));
        if (extra.Full is not null)
        {
            throw new MismatchException($"unexpected {kind}: {extra.Full}");
        }
    }

    [GeneratedRegex(@" \(\d+:\d+\)$")]
    private static partial Regex Position();
}

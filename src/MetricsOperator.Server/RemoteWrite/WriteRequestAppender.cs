using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.RemoteWrite;

/// <summary>
/// Appends a decoded write request in one transaction. What a series or sample does wrong has another consequence in each version: 1.0 drops bad
/// series silently and refuses the whole request for a bad sample; 2.0 writes the rest and reports everything.
/// </summary>
internal sealed partial class WriteRequestAppender(IAppendable storage, KnownSeries known, TimeProvider time, ILogger logger)
{
    private const long MaxFutureMs = 10 * 60 * 1000;
    private const int MaxReported = 10;

    public WriteOutcome Append(ReadOnlySpan<byte> message, WriteRequestVersion version)
    {
        using var appender = storage.CreateAppender();
        using var plain = new PlainSeriesBatch();
        var state = new State(appender, version, time.GetUtcNow().ToUnixTimeMilliseconds() + MaxFutureMs);
        var reader = new WriteRequestReader(message, version);
        while (true)
        {
            switch (reader.Next())
            {
                case WriteRequestEntry.Series when reader.PlainNewestMs != long.MinValue && reader.PlainNewestMs <= state.NewestMs:
                    AppendPlain(state, plain, message, ref reader);
                    break;
                case WriteRequestEntry.Series:
                    FlushPlain(state, plain, message);
                    AppendSeries(state, ref reader);
                    if (state.Abort is { } abort)
                    {
                        appender.Rollback();
                        return abort;
                    }

                    break;
                case WriteRequestEntry.Error:
                    appender.Rollback();
                    return WriteOutcome.Failed(StatusCodes.Status400BadRequest, reader.ErrorMessage);
                case WriteRequestEntry.End:
                    FlushPlain(state, plain, message);
                    return End(state);
            }
        }
    }

    private WriteOutcome End(State state)
    {
        if (state.IsV1 && state.Problems.Count > 0)
        {
            state.Appender.Rollback();
            return WriteOutcome.Failed(StatusCodes.Status400BadRequest, state.Problems[0]);
        }

        state.Appender.Commit();
        if (state.RefusedSeries > 0)
        {
            state.Report(
                $"{state.RefusedSeries} new series refused: the memory budget does not allow more; everything else is stored. See /api/v1/status/memory, drop labels or metrics, or raise --memory.budget");
        }

        return state.Outcome with
        {
            Status = state.ProblemCount == 0 ? StatusCodes.Status204NoContent : StatusCodes.Status400BadRequest,
            Error = string.Join('\n', state.Problems) + (state.ProblemCount > MaxReported ? $"\n... and {state.ProblemCount - MaxReported} more" : string.Empty),
        };
    }

    private void AppendSeries(State state, ref WriteRequestReader reader)
    {
        if (!reader.TryReadLabels(state.Labels, out var problem))
        {
            LeaveOut(state, problem);
            return;
        }

        var labels = state.Labels.Build();
        var series = state.Appender.GetOrCreate(labels, out var outcome);
        if (series.IsNone)
        {
            // Not the sender's mistake: what it sends besides is stored in both versions.
            state.Refuse();
            return;
        }

        while (reader.NextSample(out var timestampMs, out var value))
        {
            outcome = timestampMs > state.NewestMs ? AppendOutcome.TooFarInFuture : state.Appender.Append(series, timestampMs, value);
            if (state.Count(outcome, labels, timestampMs))
            {
                state.Outcome = state.Outcome with { Samples = state.Outcome.Samples + 1 };
            }
        }

        AppendHistograms(state, ref reader, series, labels);
        while (reader.NextExemplar(out var exemplar))
        {
            state.Appender.AppendExemplar(series, exemplar);
            state.Outcome = state.Outcome with { Exemplars = state.Outcome.Exemplars + 1 };
        }

        if (reader.Metadata is { } metadata)
        {
            state.Appender.SetMetadata(series, metadata);
        }
    }

    private void LeaveOut(State state, string problem)
    {
        if (state.IsV1)
        {
            logger.LogWarning("Remote write: series left out: {Problem}", problem);
        }
        else
        {
            state.Report(problem);
        }
    }

    private static void AppendHistograms(State state, ref WriteRequestReader reader, SeriesRef series, LabelSet labels)
    {
        while (reader.NextHistogram(out var timestampMs, out var histogram, out var problem))
        {
            if (histogram is null)
            {
                state.Abort = WriteOutcome.Failed(StatusCodes.Status500InternalServerError, $"{problem} for series {labels}");
                return;
            }

            var outcome = timestampMs > state.NewestMs ? AppendOutcome.TooFarInFuture : state.Appender.Append(series, timestampMs, histogram);
            if (state.Count(outcome, labels, timestampMs))
            {
                state.Outcome = state.Outcome with { Histograms = state.Outcome.Histograms + 1 };
            }
        }
    }

    private static string Text(AppendOutcome outcome) => outcome switch
    {
        AppendOutcome.OutOfOrder => "out of order sample",
        AppendOutcome.DuplicateTimestamp => "duplicate sample for timestamp",
        AppendOutcome.OutOfBounds => "out of bounds",
        AppendOutcome.TooOld => "too old sample",
        AppendOutcome.TooFarInFuture => "out of bounds: timestamp is too far in the future",
        AppendOutcome.LimitReached => "series limit reached",
        _ => "unknown series",
    };

    private sealed class State(IAppender appender, WriteRequestVersion version, long newestMs)
    {
        public IAppender Appender { get; } = appender;

        public bool IsV1 { get; } = version == WriteRequestVersion.V1;

        public long NewestMs { get; } = newestMs;

        public LabelSetBuilder Labels { get; } = new();

        public List<string> Problems { get; } = [];

        public int ProblemCount { get; private set; }

        /// <summary>Series that did not exist and may not be created.</summary>
        public int RefusedSeries { get; private set; }

        public WriteOutcome Outcome { get; set; }

        /// <summary>Set when the request fails as a whole.</summary>
        public WriteOutcome? Abort { get; set; }

        public void Refuse() => RefusedSeries++;

        public void Report(string problem)
        {
            ProblemCount++;
            if (Problems.Count < MaxReported)
            {
                Problems.Add(problem);
            }
        }

        public bool Count(AppendOutcome outcome, LabelSet labels, long timestampMs)
        {
            if (outcome != AppendOutcome.Ok)
            {
                Report(IsV1 ? Text(outcome) : new StringBuilder(Text(outcome)).Append(" for series ").Append(labels).Append(" at ").Append(timestampMs).ToString());
            }

            return outcome == AppendOutcome.Ok;
        }
    }
}

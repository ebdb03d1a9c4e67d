using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.Server.RemoteWrite;

/// <content>Series that are nothing but labels and float samples. What they do wrong has the same consequences, in the same order.</content>
internal sealed partial class WriteRequestAppender
{
    private void AppendPlain(State state, PlainSeriesBatch batch, ReadOnlySpan<byte> request, ref WriteRequestReader reader)
    {
        var key = LabelsKey.Of(reader.PlainLabels);
        if (batch.IsFull)
        {
            FlushPlain(state, batch, request);
        }

        batch.Begin(key, reader.PlainLabelsOffset, reader.PlainLabels.Length);
        while (reader.NextSample(out var timestampMs, out var value))
        {
            if (batch.HasNoRoom)
            {
                // The series goes on in the next batch.
                FlushPlain(state, batch, request);
                batch.Begin(key, reader.PlainLabelsOffset, reader.PlainLabels.Length);
            }

            batch.Add(timestampMs, value);
        }
    }

    private void FlushPlain(State state, PlainSeriesBatch batch, ReadOnlySpan<byte> request)
    {
        if (batch.Count == 0)
        {
            return;
        }

        known.Find(batch.Keys, batch.Series);
        List<(int Index, string Problem)>? refused = null;
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch.Series[i].IsNone)
            {
                batch.Series[i] = Learn(state, batch.Keys[i], batch.LabelsOf(i, request), out var problem);
                if (problem is not null)
                {
                    (refused ??= []).Add((i, problem));
                }
            }
        }

        batch.Address();
        state.Appender.Append(batch.Samples, batch.Outcomes);
        if (refused is null && !batch.Outcomes.ContainsAnyExcept(AppendOutcome.Ok))
        {
            state.Outcome = state.Outcome with { Samples = state.Outcome.Samples + batch.Samples.Length };
        }
        else
        {
            Report(state, batch, request, refused ?? []);
        }

        batch.Clear();
    }

    /// <summary>Reads labels that are not known yet and asks the storage for their series.</summary>
    /// <returns>None when the series is left out, with the problem when that is to be reported.</returns>
    private SeriesRef Learn(State state, LabelsKey key, ReadOnlySpan<byte> encoded, out string? problem)
    {
        if (!WriteRequestReader.TryReadLabels(encoded, state.Labels, out problem))
        {
            LeaveOut(state, problem);
            problem = null;
            return SeriesRef.None;
        }

        var labels = state.Labels.Build();
        var series = state.Appender.GetOrCreate(labels, out var outcome);
        if (series.IsNone)
        {
            problem = $"{Text(outcome)} for series {labels}";
        }
        else
        {
            known.Remember(key, series);
        }

        return series;
    }

    private void Report(State state, PlainSeriesBatch batch, ReadOnlySpan<byte> request, List<(int Index, string Problem)> refused)
    {
        var samples = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            if (refused.Find(r => r.Index == i) is { Problem: not null } refusal)
            {
                state.Report(refusal.Problem);
            }

            var (start, length) = batch.SamplesOf(i).GetOffsetAndLength(batch.Samples.Length);
            for (var sample = start; sample < start + length; sample++)
            {
                var outcome = batch.Outcomes[sample];
                if (outcome == AppendOutcome.UnknownSeries)
                {
                    // The storage let go of the series while nobody wrote to it.
                    var series = Learn(state, batch.Keys[i], batch.LabelsOf(i, request), out var problem);
                    if (problem is not null)
                    {
                        state.Report(problem);
                        break;
                    }

                    outcome = state.Appender.Append(series, batch.Samples[sample].TimestampMs, batch.Samples[sample].Value);
                }

                if (outcome == AppendOutcome.Ok)
                {
                    samples++;
                }
                else
                {
                    state.Report(Text(outcome));
                }
            }
        }

        state.Outcome = state.Outcome with { Samples = state.Outcome.Samples + samples };
    }
}

using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.Server.RemoteWrite;

/// <content>
/// Series of 1.0 that are nothing but labels and float samples, which is nearly all there are. What they do wrong has the consequences that it
/// has elsewhere, in the same order.
/// </content>
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
                batch.Begin(key, reader.PlainLabelsOffset, reader.PlainLabels.Length, goesOn: true);
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
        for (var i = 0; i < batch.Count; i++)
        {
            if (batch.Series[i].IsNone)
            {
                batch.Series[i] = Learn(state, batch, i, request);
            }
        }

        batch.Address();
        state.Appender.Append(batch.Samples, batch.Outcomes);
        if (batch.Outcomes.ContainsAnyExcept(AppendOutcome.Ok))
        {
            CountEach(state, batch, request);
        }
        else
        {
            state.Outcome = state.Outcome with { Samples = state.Outcome.Samples + batch.Samples.Length };
        }

        batch.Clear();
    }

    /// <summary>Reads labels that are not known yet and asks the storage for their series; none when it is left out or refused, which is told here.</summary>
    private SeriesRef Learn(State state, PlainSeriesBatch batch, int index, ReadOnlySpan<byte> request)
    {
        if (!WriteRequestReader.TryReadLabels(batch.LabelsOf(index, request), state.Labels, out var problem))
        {
            LeaveOut(state, problem);
            return SeriesRef.None;
        }

        var series = state.Appender.GetOrCreate(state.Labels.Build(), out _);
        if (!series.IsNone)
        {
            known.Remember(batch.Keys[index], series);
        }
        else if (index > 0 || !batch.GoesOn)
        {
            state.Refuse();
        }

        return series;
    }

    private void CountEach(State state, PlainSeriesBatch batch, ReadOnlySpan<byte> request)
    {
        var samples = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            var (start, length) = batch.SamplesOf(i).GetOffsetAndLength(batch.Samples.Length);
            for (var sample = start; sample < start + length; sample++)
            {
                var outcome = batch.Outcomes[sample];
                if (outcome == AppendOutcome.UnknownSeries)
                {
                    // The storage let go of the series while nobody wrote to it.
                    var series = Learn(state, batch, i, request);
                    if (series.IsNone)
                    {
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

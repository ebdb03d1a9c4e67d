using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Tsdb.Head;

/// <content>Transactions.</content>
internal sealed partial class MemoryHead
{
    public HeadAppender CreateAppender()
    {
        HeadBatch? batch;
        lock (_batches)
        {
            _batches.TryPop(out batch);
        }

        return new HeadAppender(this, batch ?? new HeadBatch());
    }

    /// <summary>Takes the buffers of an ended transaction back.</summary>
    public void Return(HeadBatch batch)
    {
        batch.Clear();
        lock (_batches)
        {
            _batches.Push(batch);
        }
    }

    /// <summary>Oldest time that a transaction which begins with a sample of this time may write.</summary>
    public long AppendableFrom(long timestamp)
    {
        var newest = MaxTime;
        return Math.Max(MinValidTime, (newest == long.MinValue ? timestamp : newest) - (ChunkRangeMs / 2));
    }

    /// <summary>Reference of the series with these labels, which is created if need be; 0 when memory does not allow it.</summary>
    public ulong GetOrCreate(LabelSet labels, List<ulong> created)
    {
        _lock.EnterReadLock();
        try
        {
            var number = Store.Find(labels);
            if (number >= 0)
            {
                Store[number].TouchedIn = _round;
                return Store[number].Reference;
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }

        _lock.EnterWriteLock();
        try
        {
            var number = Store.Find(labels);
            if (number < 0)
            {
                if (!Admission.Admit(labels, Bytes))
                {
                    return 0;
                }

                number = Store.Create(labels, 0);
                _unlogged++;
                Counters.SeriesCreated++;
                created.Add(Store[number].Reference);
            }

            Store[number].TouchedIn = _round;
            return Store[number].Reference;
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Decides about float samples and adds those that may be to the transaction: as what they will be to their series.</summary>
    /// <param name="samples">The samples; few, because the head is held meanwhile.</param>
    /// <param name="outcomes">Gets what became of each.</param>
    /// <param name="minTime">Oldest time that the transaction may write in order.</param>
    /// <param name="batch">The transaction.</param>
    public void Check(ReadOnlySpan<SeriesSample> samples, Span<AppendOutcome> outcomes, long minTime, HeadBatch batch)
    {
        _lock.EnterReadLock();
        try
        {
            for (var i = 0; i < samples.Length; i++)
            {
                outcomes[i] = Check(in samples[i], minTime, batch);
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    /// <summary>Whether a histogram sample may be added.</summary>
    public AppendOutcome Check(ulong series, long timestamp, FloatHistogram histogram, long minTime, out bool isRepetition)
    {
        AppendOutcome outcome;
        isRepetition = false;
        _lock.EnterReadLock();
        try
        {
            if (Find(series, timestamp, minTime, out var number, out outcome))
            {
                outcome = Samples.Check(in Store[number], timestamp, histogram, out isRepetition);
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }

        return Rejected(outcome);
    }

    /// <summary>Logs a transaction and makes it visible.</summary>
    /// <exception cref="StorageException">The log could not be written; nothing is visible.</exception>
    public void Commit(HeadBatch batch)
    {
        lock (_commitGate)
        {
            try
            {
                LogSeries(batch);
                LogMetadata(batch);
                Log.AddSamples(batch.SampleSpan);
                Log.AddHistograms(batch.Histograms);
                Log.AddExemplars(batch.Exemplars);
                Log.Write(batch.Late);
            }
            catch
            {
                Log.Discard();
                UnmarkLogged();
                _newMetadata.Clear();
                Interlocked.Increment(ref Counters.WalWritesFailed);
                throw;
            }

            _lock.EnterWriteLock();
            try
            {
                MarkLogged();
                Apply(batch);
                _readers.Committed(batch.SampleSpan, batch.Histograms);
                Counters.CommitsDone++;
            }
            finally
            {
                _lock.ExitWriteLock();
            }

            KeepNewMetadata();
            foreach (var exemplar in batch.Exemplars)
            {
                AddExemplar(exemplar.Series, exemplar.Value);
            }
        }
    }

    /// <summary>Ends a transaction without its samples. Its series are logged all the same: others may already use them.</summary>
    public void Forget(HeadBatch batch)
    {
        if (batch.Created.Count == 0)
        {
            return;
        }

        batch.Samples.Clear();
        batch.Late.Clear();
        batch.Histograms.Clear();
        batch.Exemplars.Clear();
        batch.Metadata.Clear();
        Commit(batch);
    }

    private AppendOutcome Check(in SeriesSample sample, long minTime, HeadBatch batch)
    {
        var (reference, timestamp, value) = (sample.Series.Value, sample.TimestampMs, sample.Value);
        if (!Find(reference, timestamp, minTime, out var number, out var outcome))
        {
            return outcome == AppendOutcome.OutOfBounds ? LateOr(outcome, new PendingSample(reference, number, timestamp, value), batch) : Rejected(outcome);
        }

        ref var series = ref Store[number];
        bool isRepetition;
        FloatHistogram? instead = null;
        if (SampleWriter.IsHistogramMarker(in series, value))
        {
            instead = new FloatHistogram { Sum = StaleMarker.Value };
            outcome = Samples.Check(in series, timestamp, instead, out isRepetition);
        }
        else
        {
            outcome = SampleWriter.Check(in series, timestamp, value, out isRepetition);
        }

        if (outcome != AppendOutcome.Ok)
        {
            return outcome == AppendOutcome.OutOfOrder ? LateOr(outcome, new PendingSample(reference, number, timestamp, value), batch) : Rejected(outcome);
        }

        if (instead is not null && !isRepetition)
        {
            batch.Histograms.Add(new PendingHistogram(reference, timestamp, instead));
        }
        else if (!isRepetition)
        {
            batch.Samples.Add(new PendingSample(reference, number, timestamp, value));
        }

        return AppendOutcome.Ok;
    }

    private bool Find(ulong series, long timestamp, long minTime, out int number, out AppendOutcome outcome)
    {
        number = Store.Find(series);
        if (number < 0)
        {
            outcome = AppendOutcome.UnknownSeries;
            return false;
        }

        Store[number].TouchedIn = _round;
        outcome = timestamp < minTime ? AppendOutcome.OutOfBounds : AppendOutcome.Ok;
        return outcome == AppendOutcome.Ok;
    }

    // A sample that comes late is kept where the window allows it.
    private AppendOutcome LateOr(AppendOutcome outcome, PendingSample sample, HeadBatch batch)
    {
        if (OutOfOrderWindowMs <= 0)
        {
            return Rejected(outcome);
        }

        if (MaxTime != long.MinValue && sample.Timestamp < MaxTime - OutOfOrderWindowMs)
        {
            return Rejected(AppendOutcome.TooOld);
        }

        batch.Late.Add(sample);
        return AppendOutcome.Ok;
    }

    private AppendOutcome Rejected(AppendOutcome outcome)
    {
        if (outcome != AppendOutcome.Ok)
        {
            Counters.CountRejected(outcome);
        }

        return outcome;
    }

    private void Apply(HeadBatch batch)
    {
        var chunks = Samples.OpenChunks + Samples.SealedChunks;
        foreach (ref readonly var sample in batch.SampleSpan)
        {
            var number = Store.Find(sample.Series, sample.Number);
            if (number < 0)
            {
                Counters.SeriesNotFound++;
                continue;
            }

            ref var series = ref Store[number];
            var outcome = sample.Timestamp < _minValidTime
                ? AppendOutcome.OutOfBounds
                : SampleWriter.Check(in series, sample.Timestamp, sample.Value, out _);
            if (outcome == AppendOutcome.Ok && sample.Timestamp > series.LastTime)
            {
                Samples.Append(ref series, sample.Timestamp, sample.Value);
                ObserveTime(sample.Timestamp);
                Counters.FloatsAppended++;
            }
            else
            {
                Rejected(outcome);
            }
        }

        foreach (var histogram in batch.Histograms)
        {
            var number = Store.Find(histogram.Series);
            if (number < 0)
            {
                Counters.SeriesNotFound++;
                continue;
            }

            ref var series = ref Store[number];
            var outcome = histogram.Timestamp < _minValidTime
                ? AppendOutcome.OutOfBounds
                : Samples.Check(in series, histogram.Timestamp, histogram.Value, out _);
            if (outcome == AppendOutcome.Ok && histogram.Timestamp > series.LastTime)
            {
                Samples.Append(ref series, histogram.Timestamp, histogram.Value);
                ObserveTime(histogram.Timestamp);
                Counters.HistogramsAppended++;
            }
            else
            {
                Rejected(outcome);
            }
        }

        foreach (var sample in batch.Late)
        {
            if (Store.Find(sample.Series) < 0)
            {
                Counters.SeriesNotFound++;
            }
            else if (OutOfOrder.Add(sample.Series, sample.Timestamp, sample.Value))
            {
                Counters.LateAppended++;
                Counters.FloatsAppended++;
            }
            else
            {
                Rejected(AppendOutcome.DuplicateTimestamp);
            }
        }

        Counters.ChunksCreated += Samples.OpenChunks + Samples.SealedChunks - chunks;
    }
}

using System.Text;
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

    /// <summary>Whether a float sample may be added; <paramref name="instead"/> is the histogram sample that it has to become.</summary>
    public AppendOutcome Check(ulong series, long timestamp, double value, long minTime, out SampleFate fate, out FloatHistogram? instead)
    {
        AppendOutcome outcome;
        bool isRepetition;
        fate = SampleFate.InOrder;
        instead = null;
        _lock.EnterReadLock();
        try
        {
            if (!Find(series, timestamp, minTime, out var number, out outcome))
            {
                return outcome == AppendOutcome.OutOfBounds ? LateOr(outcome, timestamp, out fate) : Rejected(outcome);
            }

            ref var found = ref Store[number];
            if (SampleWriter.IsHistogramMarker(in found, value))
            {
                instead = new FloatHistogram { Sum = StaleMarker.Value };
                outcome = Samples.Check(in found, timestamp, instead, out isRepetition);
            }
            else
            {
                outcome = SampleWriter.Check(in found, timestamp, value, out isRepetition);
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }

        fate = isRepetition ? SampleFate.Repetition : SampleFate.InOrder;
        return outcome == AppendOutcome.OutOfOrder ? LateOr(outcome, timestamp, out fate) : Rejected(outcome);
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

    private AppendOutcome LateOr(AppendOutcome outcome, long timestamp, out SampleFate fate)
    {
        fate = SampleFate.InOrder;
        if (OutOfOrderWindowMs <= 0)
        {
            return Rejected(outcome);
        }

        if (MaxTime != long.MinValue && timestamp < MaxTime - OutOfOrderWindowMs)
        {
            return Rejected(AppendOutcome.TooOld);
        }

        fate = SampleFate.Late;
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

    private void LogSeries(HeadBatch batch)
    {
        _newlyLogged.Clear();
        if (Volatile.Read(ref _unlogged) == 0)
        {
            return;
        }

        _lock.EnterReadLock();
        try
        {
            foreach (var series in batch.Created)
            {
                LogSeries(series);
            }

            // Samples of a series that another transaction created must not be in the log before the series.
            foreach (var sample in batch.Samples)
            {
                LogSeries(sample.Series);
            }

            foreach (var sample in batch.Late)
            {
                LogSeries(sample.Series);
            }

            foreach (var histogram in batch.Histograms)
            {
                LogSeries(histogram.Series);
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    private void LogSeries(ulong reference)
    {
        var number = Store.Find(reference);
        if (number < 0 || Store[number].IsLogged)
        {
            return;
        }

        Log.AddSeries(reference, Store.LabelSetAt(Store[number].Labels));
        Store[number].IsLogged = true;
        _newlyLogged.Add(reference);
    }

    private void MarkLogged()
    {
        _unlogged -= _newlyLogged.Count;
        _newlyLogged.Clear();
    }

    private void UnmarkLogged() => Change(head =>
    {
        foreach (var reference in head._newlyLogged)
        {
            var number = head.Store.Find(reference);
            if (number >= 0)
            {
                head.Store[number].IsLogged = false;
            }
        }

        head._newlyLogged.Clear();
    });

    private void LogMetadata(HeadBatch batch)
    {
        foreach (var (series, metadata) in batch.Metadata)
        {
            var name = Read(head =>
            {
                var number = head.Store.Find(series);
                return number < 0 ? null : Encoding.UTF8.GetString(head.Store.ValueOf(head.Store[number].Labels, LabelNames.MetricNameUtf8));
            });
            if (name is not null && SetMetadata(name, metadata))
            {
                Log.AddMetadata(series, metadata);
            }
        }
    }

    private void Apply(HeadBatch batch)
    {
        var chunks = Samples.OpenChunks + Samples.SealedChunks;
        foreach (ref readonly var sample in batch.SampleSpan)
        {
            var number = Store.Find(sample.Series);
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

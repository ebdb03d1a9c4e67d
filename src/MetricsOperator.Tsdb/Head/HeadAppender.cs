using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Head;

/// <summary>One transaction: samples are checked as they come and kept here until the commit.</summary>
internal sealed class HeadAppender(MemoryHead head, HeadBatch batch) : IAppender
{
    private const int SamplesPerCheck = 512;

    private HeadBatch? _batch = batch;
    private long _minTime = long.MinValue;
    private bool _hasMinTime;

    private HeadBatch Batch => _batch ?? throw new ObjectDisposedException(nameof(HeadAppender), "the transaction has ended");

    public SeriesRef GetOrCreate(LabelSet labels, out AppendOutcome outcome)
    {
        if (labels.Count == 0)
        {
            throw new ArgumentException("cannot create a series: got no labels, want at least one", nameof(labels));
        }

        var reference = head.GetOrCreate(labels, Batch.Created);
        outcome = reference == 0 ? AppendOutcome.LimitReached : AppendOutcome.Ok;
        return new SeriesRef(reference);
    }

    public AppendOutcome Append(SeriesRef series, long timestampMs, double value)
    {
        var outcome = AppendOutcome.Ok;
        Append([new SeriesSample(series, timestampMs, value)], new Span<AppendOutcome>(ref outcome));
        return outcome;
    }

    public void Append(ReadOnlySpan<SeriesSample> samples, Span<AppendOutcome> outcomes)
    {
        while (!samples.IsEmpty)
        {
            // The head is held only for so many at a time, so that readers of its labels and those who commit get their turn.
            var count = Math.Min(samples.Length, SamplesPerCheck);
            head.Check(samples[..count], outcomes[..count], MinTimeFor(samples[0].TimestampMs), Batch);
            samples = samples[count..];
            outcomes = outcomes[count..];
        }
    }

    public AppendOutcome Append(SeriesRef series, long timestampMs, FloatHistogram histogram)
    {
        if (!HistogramPayload.IsConsistent(histogram))
        {
            throw new ArgumentException("cannot append a histogram: its spans name another number of buckets than it has", nameof(histogram));
        }

        var outcome = head.Check(series.Value, timestampMs, histogram, MinTimeFor(timestampMs), out var isRepetition);
        if (outcome == AppendOutcome.Ok && !isRepetition)
        {
            Batch.Histograms.Add(new PendingHistogram(series.Value, timestampMs, histogram));
        }

        return outcome;
    }

    public void AppendExemplar(SeriesRef series, Exemplar exemplar)
    {
        var current = Batch;
        if (head.AcceptsExemplar(series.Value, exemplar))
        {
            current.Exemplars.Add(new PendingExemplar(series.Value, exemplar));
        }
    }

    public void SetMetadata(SeriesRef series, MetricMetadata metadata) => Batch.Metadata.Add(new PendingMetadata(series.Value, metadata));

    public void Commit()
    {
        var ended = Batch;
        _batch = null;
        try
        {
            head.Commit(ended);
        }
        finally
        {
            head.Return(ended);
        }
    }

    public void Rollback()
    {
        var ended = Batch;
        _batch = null;
        try
        {
            head.Forget(ended);
        }
        finally
        {
            head.Return(ended);
        }
    }

    public void Dispose()
    {
        if (_batch is not null)
        {
            Rollback();
        }
    }

    // The window is that of the transaction's start, so that one sample from the future does not make the rest of its scrape too old.
    private long MinTimeFor(long timestamp)
    {
        if (!_hasMinTime)
        {
            _minTime = head.AppendableFrom(timestamp);
            _hasMinTime = true;
        }

        return _minTime;
    }
}

/// <summary>The buffers of a transaction, reused by the next one.</summary>
internal sealed class HeadBatch
{
    private const int KeepCapacity = 100_000;

    public List<PendingSample> Samples { get; private set; } = [];

    /// <summary>Samples older than others of their series, within the window that allows it.</summary>
    public List<PendingSample> Late { get; } = [];

    public List<PendingHistogram> Histograms { get; } = [];

    public List<PendingExemplar> Exemplars { get; } = [];

    public List<PendingMetadata> Metadata { get; } = [];

    /// <summary>Series that the transaction created and that may not be in the log yet.</summary>
    public List<ulong> Created { get; private set; } = [];

    public ReadOnlySpan<PendingSample> SampleSpan => CollectionsMarshal.AsSpan(Samples);

    public void Clear()
    {
        Samples.Clear();
        Created.Clear();
        if (Samples.Capacity > KeepCapacity)
        {
            Samples = [];
        }

        if (Created.Capacity > KeepCapacity)
        {
            Created = [];
        }

        Late.Clear();
        Histograms.Clear();
        Exemplars.Clear();
        Metadata.Clear();
    }
}

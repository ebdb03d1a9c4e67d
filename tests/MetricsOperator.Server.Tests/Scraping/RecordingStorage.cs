using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Scraping;

/// <summary>One committed sample.</summary>
internal sealed record RecordedSample(string Series, long TimestampMs, double Value);

/// <summary>A storage that keeps what is committed in a list, and refuses or forgets series when told to.</summary>
internal sealed class RecordingStorage : IAppendable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<LabelSet, ulong> _refs = [];
    private readonly Dictionary<ulong, string> _names = [];
    private readonly List<RecordedSample> _committed = [];
    private ulong _next = 1;

    /// <summary>Decides about new series.</summary>
    public Func<LabelSet, bool> Admit { get; set; } = _ => true;

    /// <summary>True makes commits fail as on a full disk.</summary>
    public bool IsFull { get; set; }

    public IReadOnlyList<RecordedSample> Committed
    {
        get
        {
            lock (_gate)
            {
                return [.. _committed];
            }
        }
    }

    public int SeriesCount => _refs.Count;

    /// <summary>Values of one series in the order of their commits.</summary>
    public IReadOnlyList<double> Values(string series) => [.. Committed.Where(s => s.Series == series).Select(s => s.Value)];

    /// <summary>Forgets all series, as the head does with series that have no samples any more.</summary>
    public void ForgetSeries()
    {
        lock (_gate)
        {
            _refs.Clear();
        }
    }

    public IAppender CreateAppender() => new Appender(this);

    private sealed class Appender(RecordingStorage storage) : IAppender
    {
        private readonly List<(ulong Series, long TimestampMs, double Value)> _pending = [];

        public SeriesRef GetOrCreate(LabelSet labels, out AppendOutcome outcome)
        {
            lock (storage._gate)
            {
                outcome = AppendOutcome.Ok;
                if (!storage._refs.TryGetValue(labels, out var found))
                {
                    if (!storage.Admit(labels))
                    {
                        outcome = AppendOutcome.LimitReached;
                        return SeriesRef.None;
                    }

                    found = storage._next++;
                    storage._refs.Add(labels, found);
                    storage._names.Add(found, labels.ToString());
                }

                return new SeriesRef(found);
            }
        }

        public AppendOutcome Append(SeriesRef series, long timestampMs, double value)
        {
            lock (storage._gate)
            {
                if (!storage._refs.ContainsValue(series.Value))
                {
                    return AppendOutcome.UnknownSeries;
                }

                _pending.Add((series.Value, timestampMs, value));
                return AppendOutcome.Ok;
            }
        }

        public AppendOutcome Append(SeriesRef series, long timestampMs, FloatHistogram histogram) => AppendOutcome.Ok;

        public void AppendExemplar(SeriesRef series, Exemplar exemplar)
        {
        }

        public void SetMetadata(SeriesRef series, MetricMetadata metadata)
        {
        }

        public void Commit()
        {
            if (storage.IsFull)
            {
                throw new StorageException("no space left on device");
            }

            lock (storage._gate)
            {
                storage._committed.AddRange(_pending.Select(p => new RecordedSample(storage._names[p.Series], p.TimestampMs, p.Value)));
                _pending.Clear();
            }
        }

        public void Rollback() => _pending.Clear();

        public void Dispose()
        {
        }
    }
}

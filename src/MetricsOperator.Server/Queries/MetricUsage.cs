namespace MetricsOperator.Server.Queries;

/// <summary>
/// When each metric and label was asked for last, and how often. What is not here was not asked for since <see cref="TrackingSince"/>, or was
/// forgotten to make room: how much, and up to when, is told. Thread-safe.
/// </summary>
/// <param name="maxMetrics">How many metrics are remembered.</param>
/// <param name="time">The clock.</param>
internal sealed class MetricUsage(int maxMetrics, TimeProvider time)
{
    /// <summary>Labels remembered of one metric.</summary>
    public const int MaxLabels = 64;

    /// <summary>Labels remembered for each metric that may be, all together.</summary>
    public const int LabelsPerMetric = 8;

    private const int MaxNameLength = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Row> _rows = new(StringComparer.Ordinal);
    private long _requests;
    private long _ignored;
    private long _forgotten;
    private long _forgottenUntil;
    private int _labels;
    private bool _isChanged;

    /// <summary>Since when uses are counted, in milliseconds since 1970.</summary>
    public long TrackingSince { get; private set; } = time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Requests counted and not counted since the start.</summary>
    public (long Counted, long Ignored) Requests => (Interlocked.Read(ref _requests), Interlocked.Read(ref _ignored));

    /// <summary>Metrics that are remembered, and metrics and labels that were forgotten to make room.</summary>
    public (int Metrics, long Forgotten) Counts
    {
        get
        {
            lock (_gate)
            {
                return (_rows.Count, _forgotten);
            }
        }
    }

    /// <summary>Counts one request.</summary>
    /// <param name="usage">What it asks for.</param>
    /// <param name="isMarked">True when the request is marked as no use.</param>
    public void Count(QueryUsage usage, bool isMarked)
    {
        if (isMarked || usage.IsIgnored)
        {
            Interlocked.Increment(ref _ignored);
            return;
        }

        Interlocked.Increment(ref _requests);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        lock (_gate)
        {
            foreach (var use in usage.Uses)
            {
                Count(use, now);
            }
        }
    }

    /// <summary>What is known.</summary>
    /// <param name="limit">Most metrics.</param>
    public MetricUsageReport Report(int limit = int.MaxValue)
    {
        lock (_gate)
        {
            return new MetricUsageReport(
                MetricUsageReport.CurrentVersion, TrackingSince, _forgotten, _forgottenUntil,
                [.. _rows.OrderByDescending(r => r.Value.LastAsked).ThenBy(r => r.Key, StringComparer.Ordinal).Take(limit).Select(r => r.Value.Report(r.Key))]);
        }
    }

    /// <summary>What is known, if it changed since the last call.</summary>
    public MetricUsageReport? TakeChanges()
    {
        lock (_gate)
        {
            if (!_isChanged)
            {
                return null;
            }

            _isChanged = false;
            return Report();
        }
    }

    /// <summary>Says that what <see cref="TakeChanges"/> gave could not be kept.</summary>
    public void KeepFailed()
    {
        lock (_gate)
        {
            _isChanged = true;
        }
    }

    /// <summary>Takes up what earlier runs have counted.</summary>
    public void Restore(MetricUsageReport report)
    {
        lock (_gate)
        {
            TrackingSince = Math.Min(TrackingSince, report.TrackingSince);
            _forgotten += report.Forgotten;
            _forgottenUntil = Math.Max(_forgottenUntil, report.ForgottenUntil);
            foreach (var earlier in report.Metrics)
            {
                var row = RowOf(Cut(earlier.Metric));
                row.Add(new Asked(earlier.LastAsked, earlier.Count), earlier.AllLabels);
                foreach (var (label, asked) in earlier.Labels)
                {
                    Label(row, label, asked);
                }
            }
        }
    }

    private static string Cut(string name) => name.Length <= MaxNameLength ? name : name[..MaxNameLength];

    private void Count(MetricUse use, long now)
    {
        var row = RowOf(Cut(use.Metric));
        var once = new Asked(now, 1);
        row.Add(once, use.AllLabels ? once : default);
        foreach (var label in use.Labels)
        {
            Label(row, label, once);
        }

        _isChanged = true;
    }

    private Row RowOf(string metric)
    {
        if (_rows.TryGetValue(metric, out var row))
        {
            return row;
        }

        if (_rows.Count >= maxMetrics)
        {
            MakeRoom(keep: null);
        }

        row = new Row();
        _rows.Add(metric, row);
        return row;
    }

    private void Label(Row row, string label, Asked asked)
    {
        var name = Cut(label);
        if (!row.Labels.TryGetValue(name, out var before))
        {
            _labels++;
            if (row.Labels.Count >= MaxLabels)
            {
                var oldest = row.Labels.MinBy(l => l.Value.LastAsked);
                row.Labels.Remove(oldest.Key);
                _labels--;
                Forget(oldest.Value.LastAsked);
            }
            else if (_labels > maxMetrics * LabelsPerMetric)
            {
                MakeRoom(row);
            }
        }

        row.Labels[name] = Row.Sum(before, asked);
    }

    // A sixteenth at a time, so that looking for the oldest is seldom.
    private void MakeRoom(Row? keep)
    {
        foreach (var (name, oldest) in _rows.Where(r => r.Value != keep).OrderBy(r => r.Value.LastAsked).Take((maxMetrics / 16) + 1).ToList())
        {
            _rows.Remove(name);
            _labels -= oldest.Labels.Count;
            Forget(oldest.LastAsked);
        }
    }

    private void Forget(long lastAsked)
    {
        _forgotten++;
        _forgottenUntil = Math.Max(_forgottenUntil, lastAsked);
    }

    private sealed class Row
    {
        private long _count;
        private Asked _allLabels;

        public long LastAsked { get; private set; }

        public Dictionary<string, Asked> Labels { get; } = new(StringComparer.Ordinal);

        public static Asked Sum(Asked one, Asked other) => new(Math.Max(one.LastAsked, other.LastAsked), one.Count + other.Count);

        public void Add(Asked asked, Asked allLabels)
        {
            LastAsked = Math.Max(LastAsked, asked.LastAsked);
            _count += asked.Count;
            _allLabels = Sum(_allLabels, allLabels);
        }

        public MetricUsageRow Report(string metric) => new(metric, LastAsked, _count, _allLabels, new Dictionary<string, Asked>(Labels, StringComparer.Ordinal));
    }
}

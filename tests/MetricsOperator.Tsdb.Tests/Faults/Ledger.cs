using System.Globalization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests.Faults;

/// <summary>
/// What was appended and what was promised about it. A sample's value follows from its series and time, so that a sample that was never
/// appended, or belongs to another series, shows.
/// </summary>
internal sealed class Ledger
{
    private readonly Dictionary<(int Series, long Time), Entry> _entries = [];
    private readonly List<(int Series, long Time, bool IsLate)> _open = [];
    private int _commits;
    private int _durableCommits;
    private int _durableLateCommits;

    private enum State
    {
        /// <summary>The commit failed: the sample is nowhere.</summary>
        Refused,

        /// <summary>The process ended within the commit: the sample may be there.</summary>
        Unknown,
        Acknowledged,

        /// <summary>Deleted, and the caller was told so.</summary>
        Deleted,
    }

    public int Acknowledged { get; private set; }

    /// <summary>Newest time that was appended.</summary>
    public long Newest { get; private set; } = long.MinValue;

    public static double ValueOf(int series, long time)
    {
        var bits = (((ulong)series << 40) ^ (ulong)time) * 0x9E3779B97F4A7C15;
        bits ^= bits >> 29;
        return (bits >> 11) / 1024.0;
    }

    /// <summary>Notes a sample of the transaction that is being made.</summary>
    public void Appended(int series, long time, bool isLate) => _open.Add((series, time, isLate));

    public void RolledBack() => End(State.Refused);

    public void Committed()
    {
        _commits++;
        End(State.Acknowledged);
    }

    public void Failed() => End(State.Refused);

    public void Died() => End(State.Unknown);

    /// <summary>All samples of a series were to be deleted.</summary>
    /// <param name="series">The series, which gets no more samples.</param>
    /// <param name="isDone">False when the deletion failed, so that each sample may be there or not.</param>
    public void Deleted(int series, bool isDone)
    {
        _commits++;
        foreach (var (key, entry) in _entries)
        {
            if (key.Series == series && entry.State is (State.Acknowledged or State.Unknown))
            {
                _entries[key] = entry with { State = isDone ? State.Deleted : State.Unknown, Commit = _commits };
            }
        }
    }

    /// <summary>The newest segment of a log was synced: all that was acknowledged before is durable.</summary>
    public void LogSynced(bool isLate)
    {
        if (isLate)
        {
            _durableLateCommits = _commits;
        }
        else
        {
            _durableCommits = _commits;
        }
    }

    /// <summary>The power failed: what was acknowledged and not yet promised to be durable may be gone, or deleted samples be back.</summary>
    public void PowerLost()
    {
        foreach (var (key, entry) in _entries)
        {
            // A late sample needs its own log and the series record in the other.
            var durable = entry.IsLate ? Math.Min(_durableCommits, _durableLateCommits) : _durableCommits;
            if (entry.State is (State.Acknowledged or State.Deleted) && entry.Commit > durable)
            {
                _entries[key] = entry with { State = State.Unknown };
            }
        }
    }

    /// <summary>Compares with everything that the database answers.</summary>
    /// <param name="db">The database.</param>
    /// <param name="from">Older samples may have been removed by retention.</param>
    public void Check(TimeSeriesDb db, long from)
    {
        var found = new HashSet<(int, long)>();
        using (var querier = db.OpenQuerier(long.MinValue, long.MaxValue))
        {
            var set = querier.Select(
                true, new SelectHints(long.MinValue, long.MaxValue), [new LabelMatcher(MatchType.RegexMatch, "__name__", ".*")], CancellationToken.None);
            while (set.MoveNext())
            {
                var series = int.Parse(set.Labels.Get("id"), CultureInfo.InvariantCulture);
                using var reader = set.OpenReader();
                Read(reader, series, found);
            }

            Assert.Empty(set.Warnings);
        }

        foreach (var (key, entry) in _entries)
        {
            if (entry.State == State.Acknowledged && key.Time >= from && !found.Contains(key))
            {
                throw new InvalidOperationException(
                    $"{(entry.IsLate ? "late" : "acknowledged")} sample of series {key.Series} at {key.Time} of commit {entry.Commit} of {_commits} is gone");
            }
        }
    }

    private void End(State state)
    {
        foreach (var (series, time, isLate) in _open)
        {
            Newest = Math.Max(Newest, time);
            Acknowledged += state == State.Acknowledged ? 1 : 0;
            if (!_entries.TryGetValue((series, time), out var entry) || entry.State < state)
            {
                _entries[(series, time)] = new Entry(state, _commits, isLate);
            }
        }

        _open.Clear();
    }

    private void Read(SampleReader reader, int series, HashSet<(int, long)> found)
    {
        var times = new long[128];
        var values = new double[128];
        var histograms = new FloatHistogram?[128];
        var last = long.MinValue;
        while (true)
        {
            switch (reader.NextKind())
            {
                case SampleKind.None:
                    return;
                case SampleKind.Float:
                    for (int i = 0, count = reader.ReadFloats(times, values); i < count; i++)
                    {
                        Found(times[i], values[i]);
                    }

                    break;
                default:
                    for (int i = 0, count = reader.ReadHistograms(times, histograms); i < count; i++)
                    {
                        var histogram = histograms[i]!;
                        Found(times[i], histogram.Sum);
                        if (histogram.Count != 7 || !histogram.PositiveBuckets.SequenceEqual([3, 4]))
                        {
                            throw new InvalidOperationException($"histogram of series {series} at {times[i]} is another one");
                        }
                    }

                    break;
            }
        }

        void Found(long time, double value)
        {
            if (time <= last)
            {
                throw new InvalidOperationException($"series {series} goes from {last} to {time}");
            }

            last = time;
            if (!_entries.TryGetValue((series, time), out var entry) || entry.State is State.Refused or State.Deleted)
            {
                var why = entry?.State switch { null => "was never appended", State.Refused => "its commit failed", _ => "was deleted" };
                throw new InvalidOperationException($"sample of series {series} at {time} is there, but {why}");
            }

            if (BitConverter.DoubleToUInt64Bits(value) != BitConverter.DoubleToUInt64Bits(ValueOf(series, time)))
            {
                throw new InvalidOperationException($"sample of series {series} at {time} has value {value}, want {ValueOf(series, time)}");
            }

            found.Add((series, time));
        }
    }

    private sealed record Entry(State State, int Commit, bool IsLate);
}

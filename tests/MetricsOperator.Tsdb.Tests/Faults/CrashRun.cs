using System.Collections.Concurrent;
using System.Globalization;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Tests.Faults;

/// <summary>
/// One life of a data directory: a workload that a seed decides, one fault at one operation, perhaps more faults while the directory is opened
/// again, and then a check that nothing promised is gone, that nothing else is there, and that the engine goes on working.
/// </summary>
internal sealed partial class CrashRun : IDisposable
{
    private const int Steps = 27;
    private const int StepMs = 20_000;
    private const long BlockMs = 120_000;
    private const long RetentionMs = 360_000;
    private const int HistogramsBelow = 3;

    private static readonly ConcurrentDictionary<int, LabelSet> Labels = [];

    private readonly TempDir _folder = new(Directory.Exists("/dev/shm") ? "/dev/shm" : null);
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch + TimeSpan.FromHours(1));
    private readonly Ledger _ledger = new();
    private readonly FaultDisk _disk;
    private readonly Random _workload;

    /// <summary>Every second workload writes the state of the head, so that its starts begin there.</summary>
    private readonly bool _keepsState;
    private readonly Random _faults;
    private readonly List<int> _live = [];

    /// <summary>Newest acknowledged times of series.</summary>
    private readonly Dictionary<int, long> _newest = [];
    private FaultFiles _files;
    private TimeSeriesDb? _db;
    private int _nextSeries;
    private int _refusedInARow;

    /// <param name="workloadSeed">Decides what is appended.</param>
    /// <param name="faultSeed">Decides how writes are torn and what happens after the first fault.</param>
    public CrashRun(int workloadSeed, int faultSeed)
    {
        _disk = new FaultDisk(_folder.Path);
        _workload = new Random(workloadSeed);
        _keepsState = _workload.Next(2) == 0;
        _faults = new Random(faultSeed);
        _files = NewProcess();
        for (; _nextSeries < 12; _nextSeries++)
        {
            _live.Add(_nextSeries);
        }
    }

    /// <summary>Operations of the first process, or of both when the workload restarts it.</summary>
    public int Operations { get; private set; }

    /// <summary>Whether the fault was met.</summary>
    public bool WasHit { get; private set; }

    public int Acknowledged => _ledger.Acknowledged;

    /// <summary>What the first run did, by operation.</summary>
    public List<string>? Trace { get; init; }

    public string Path => _folder.Path;

    /// <summary>Runs the workload with a fault at one of its operations (from 1), and everything after.</summary>
    public void Run(FaultKind kind, int operation)
    {
        var survived = false;
        try
        {
            Work(kind, operation);
            survived = true;
        }
        catch (KilledException)
        {
            // The fault was met; what follows is the next process.
        }

        Operations += _files.Operations;
        WasHit |= _files.IsHit;
        if (survived)
        {
            Check();
        }

        End(losePower: kind == FaultKind.PowerLoss);
        OpenAgain(losePower: kind == FaultKind.PowerLoss);
        Check();
        NothingIsLeftOver();
        GoOn();
    }

    public void Dispose()
    {
        End(losePower: false);
        _folder.Dispose();
    }

    private FaultFiles NewProcess() => new(_disk, _faults)
    {
        Synced = path =>
        {
            // Of a log's segments only the newest may have a part that is not durable yet.
            var directory = System.IO.Path.GetFileName(System.IO.Path.GetDirectoryName(path)!);
            if (directory is "wal" or "wbl" && Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(path)!).Max(StringComparer.Ordinal) == path)
            {
                _ledger.LogSynced(directory == "wbl");
            }
        },
    };

    private void Work(FaultKind kind, int operation)
    {
        Arm(kind, operation);
        Open();
        for (var step = 0; step < Steps; step++)
        {
            Step();
            if (step % 3 == 2)
            {
                Maintain();
            }

            if (step == Steps * 3 / 4)
            {
                Try(() => Db.FlushEarly(TimeSpan.FromMilliseconds(StepMs), CancellationToken.None));
            }

            if (kind == FaultKind.None)
            {
                Check();
            }

            if (step == Steps / 2)
            {
                // A clean restart, whose operations count on.
                Try(() => Db.Dispose());
                _db = null;
                Operations += _files.Operations;
                WasHit |= _files.IsHit;
                var isFull = _files.IsFull;
                _files.Die();
                _files = NewProcess();
                Arm(WasHit ? FaultKind.None : kind, operation - Operations);
                _files.IsFull = isFull;
                Open();
            }
        }

        _files.IsFull = false;
        Maintain();
    }

    /// <summary>Whether the disk has refused something, and so may make calls fail.</summary>
    private bool IsMet => WasHit || _files.IsHit;

    private TimeSeriesDb Db => _db ?? throw new InvalidOperationException("BUG: no database is open");

    private void Arm(FaultKind kind, int operation)
    {
        _files.Kind = kind;
        _files.At = operation;
        if (Trace is { } trace)
        {
            _files.Trace = (o, path) => trace.Add($"{o} {System.IO.Path.GetRelativePath(_folder.Path, path)}");
        }
    }

    // A disk that refuses once, or is full, must not keep the directory closed for ever.
    private void Open()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                _db = TimeSeriesDb.Open(Options(), null, CancellationToken.None);
                return;
            }
            catch (StorageException) when (IsMet && attempt < 3)
            {
                _files.IsFull = false;
            }
        }
    }

    private TsdbOptions Options() => new()
    {
        Path = _folder.Path,
        MinBlockDurationMs = BlockMs,
        MaxBlockDurationMs = BlockMs * 9,
        RetentionMs = RetentionMs,
        OutOfOrderWindowMs = BlockMs,
        WalSegmentBytes = 32 * 1024,
        WalCompression = _workload.Next(2) == 0,
        HeadStateMinLogBytes = _keepsState ? 0 : long.MaxValue,
        Time = _clock,
        Files = _files,
    };

    private void Step()
    {
        _clock.Advance(TimeSpan.FromMilliseconds(StepMs));
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        Churn();
        var choice = _workload.Next(100);
        Transaction(now, late: _workload.Next(100) < 40 ? _workload.Next(1, 4) : 0, rollBack: choice < 5, many: choice >= 92);
        if (choice is >= 60 and < 70)
        {
            Transaction(now + 5, late: 2, rollBack: false, many: false);
        }
        else if (choice is >= 70 and < 80)
        {
            Delete(_workload.Next(HistogramsBelow, _nextSeries));
        }
        else if (choice is >= 80 and < 83)
        {
            Try(() => Db.CleanTombstones(CancellationToken.None));
        }
    }

    // Of a series that nobody writes to any more, so that what must be gone stays known.
    private void Delete(int id)
    {
        if (_live.Contains(id))
        {
            return;
        }

        var isDone = false;
        try
        {
            Db.Delete([TestDb.Equal("id", id.ToString(CultureInfo.InvariantCulture))], long.MinValue, long.MaxValue, CancellationToken.None);
            isDone = true;
        }
        catch (StorageException) when (IsMet)
        {
            // A part may be deleted.
        }
        finally
        {
            _ledger.Deleted(id, isDone);
        }
    }

    private void Churn()
    {
        for (var i = _workload.Next(3); i > 0; i--)
        {
            _live.RemoveAt(_workload.Next(HistogramsBelow, _live.Count));
            _live.Add(_nextSeries++);
        }
    }

    private void Transaction(long now, int late, bool rollBack, bool many)
    {
        var isFull = _files.IsFull;
        var ends = false;
        try
        {
            using var appender = Db.CreateAppender();
            for (; late > 0; late--)
            {
                // Late for its series, or, for a series that has nothing yet, older than what the head takes in order.
                var id = _live[_workload.Next(HistogramsBelow, _live.Count)];
                var newest = _newest.TryGetValue(id, out var known) ? known - (_workload.Next(0, 4) * StepMs) : now - (4 * StepMs);
                Append(appender, id, newest - _workload.Next(1000, 5000));
            }

            foreach (var id in _live)
            {
                Append(appender, id, now);
            }

            // More than a segment.
            for (var i = many ? 80 : 0; i > 0; i--)
            {
                Append(appender, _nextSeries++, now);
            }

            ends = true;
            if (rollBack)
            {
                _ledger.RolledBack();
                appender.Rollback();
                return;
            }

            appender.Commit();
            _ledger.Committed();
            _live.ForEach(id => _newest[id] = now);
            _refusedInARow = 0;
        }
        catch (StorageException e) when (ends && IsMet)
        {
            _ledger.Failed();
            _refusedInARow++;
            if (isFull)
            {
                Assert.Contains("No space left on device", e.Message, StringComparison.Ordinal);
            }

            if (_refusedInARow > 1 && !isFull)
            {
                throw new InvalidOperationException("commits fail and the disk accepts writes", e);
            }

            // There is space again after some refusals; the same process goes on.
            if (isFull && _faults.Next(3) == 0)
            {
                _files.IsFull = false;
                _refusedInARow = 0;
            }
        }
        catch (KilledException)
        {
            _ledger.Died();
            throw;
        }
    }

    private void Append(IAppender appender, int id, long time)
    {
        var labels = Labels.GetOrAdd(id, MakeLabels);
        var series = appender.GetOrCreate(labels, out var outcome);
        Assert.Equal(AppendOutcome.Ok, outcome);
        outcome = id < HistogramsBelow
            ? appender.Append(series, time, new FloatHistogram
            {
                Count = 7,
                Sum = Ledger.ValueOf(id, time),
                PositiveSpans = [new(0, 2)],
                PositiveBuckets = [3, 4],
            })
            : appender.Append(series, time, Ledger.ValueOf(id, time));
        if (outcome == AppendOutcome.Ok)
        {
            _ledger.Appended(id, time, time % StepMs is not 0 and not 5);
        }
    }

    private static LabelSet MakeLabels(int id)
    {
        var random = new Random(id);
        var text = string.Create(400, random, static (span, r) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = (char)('!' + r.Next(90));
            }
        });
        return LabelSet.Of(("__name__", id < HistogramsBelow ? "histogram" : "float"), ("id", id.ToString(CultureInfo.InvariantCulture)), ("text", text));
    }

    private void Maintain() => Try(() =>
    {
        Db.RunMaintenance(CancellationToken.None);
        Db.KeepHeadState(now: _keepsState, CancellationToken.None);
    });

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (StorageException) when (IsMet)
        {
            // The disk refused, as it was told to; the next pass must do the work.
        }
    }

    private void Check() => _ledger.Check(Db, _ledger.Newest + (2 * BlockMs) - RetentionMs);

    private void InBounds(string directory, int files) =>
        Assert.InRange(Directory.EnumerateFileSystemEntries(System.IO.Path.Combine(_folder.Path, directory)).Count(), 0, files);

}

using System.Diagnostics.Metrics;
using System.Globalization;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Hosting;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Memory;

/// <summary>
/// Keeps the process inside its budget: measures four times a second and, as pressure rises, lets optional work wait, flushes the head,
/// refuses and cancels queries, admits fewer new series, and none at last. Series that exist always go on.
/// </summary>
internal sealed class MemoryGuard : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan MinFlushInterval = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan MaxFlushInterval = TimeSpan.FromMinutes(16);
    private static readonly TimeSpan CollectInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CancelInterval = TimeSpan.FromSeconds(1);

    private readonly MemoryBudget _budget;
    private readonly MemoryGuardMode _mode;
    private readonly CgroupMemory? _cgroup;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ProcessMemory _process = new();
    private readonly PressureLevels _levels = new();
    private readonly Meter _meter = new("MetricsOperator.Server");
    private readonly Counter<long> _flushes;
    private long _lastFlush;
    private long _lastCollect;
    private long _lastCancel;
    private TimeSpan _flushInterval = MinFlushInterval;
    private Task _flush = Task.CompletedTask;
    private MemoryReading _reading;
    private long _measurements;

    public MemoryGuard(MemoryBudget budget, MemoryGuardMode mode, CgroupMemory? cgroup, TimeProvider time, ILogger logger)
    {
        _budget = budget;
        _mode = mode;
        Queries = mode == MemoryGuardMode.Enforce ? new QueryGate(budget.MaxQueryBytes, budget.MaxQueriesBytes) : new QueryGate();
        _cgroup = cgroup;
        _time = time;
        _logger = logger;
        _flushes = _meter.CreateCounter<long>("metricsoperator_memory_head_flushes_total", description: "Times that the head was written to blocks early to free memory.");
        Declare();
    }

    /// <summary>The storage; null until it is open.</summary>
    public Func<TimeSeriesDb?> Storage { get; set; } = static () => null;

    /// <summary>Stops maintenance that is under way, so that a flush need not wait for it.</summary>
    public Action InterruptMaintenance { get; set; } = static () => { };

    /// <summary>The queries.</summary>
    public QueryGate Queries { get; }

    public MemoryBudget Budget => _budget;

    public MemoryGuardMode Mode => _mode;

    public PressureLevel Level => _levels.Level;

    /// <summary>The newest measurement.</summary>
    public MemoryReading Reading => _reading;

    /// <summary>How often it has measured.</summary>
    public long Measurements => Interlocked.Read(ref _measurements);

    /// <summary>True while work that can wait has to.</summary>
    public bool IsOptionalWorkPaused => _mode == MemoryGuardMode.Enforce && Level >= PressureLevel.High;

    /// <summary>Gives this process the heap limit of its budget, if there is one to enforce.</summary>
    public static void LimitProcess(ServerFlags flags)
    {
        if (!flags.OnlyObservesMemory && TotalFor(flags, FindGroup()) is > 0 and var total)
        {
            MemoryBudget.Split(total).LimitHeap();
        }
    }

    /// <summary>The guard for a command line; null when there is neither a budget nor a control group with a limit.</summary>
    public static MemoryGuard? For(ServerFlags flags, TimeProvider time, ILogger logger)
    {
        var cgroup = FindGroup();
        var total = TotalFor(flags, cgroup);
        return total <= 0
            ? null
            : new MemoryGuard(MemoryBudget.Split(total), flags.OnlyObservesMemory ? MemoryGuardMode.Observe : MemoryGuardMode.Enforce, cgroup, time, logger);
    }

    /// <summary>Measures and acts until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellation))
            {
                if (_flush.IsFaulted)
                {
                    await _flush;
                }

                Act(Measure(), cancellation);
                Interlocked.Increment(ref _measurements);
            }
        }
        finally
        {
            await _flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose()
    {
        _meter.Dispose();
        _process.Dispose();
    }

    private static CgroupMemory? FindGroup()
    {
        const string OwnGroup = "/proc/self/cgroup";
        return File.Exists(OwnGroup) ? CgroupMemory.Find(File.ReadAllText(OwnGroup)) : null;
    }

    private static long TotalFor(ServerFlags flags, CgroupMemory? cgroup) => flags.MemoryBudget > 0 ? flags.MemoryBudget : cgroup?.LimitBytes ?? 0;

    private MemoryReading Measure() => _reading = new MemoryReading(
        Storage()?.HeadStats.Bytes ?? 0,
        GC.GetTotalMemory(forceFullCollection: false),
        _process.AnonymousBytes(),
        _cgroup?.UnreclaimableBytes() ?? 0,
        _cgroup?.LimitBytes ?? 0);

    private void Act(in MemoryReading reading, CancellationToken cancellation)
    {
        var before = _levels.Level;
        var changed = _levels.Update(reading.Pressure(_budget));
        if (changed)
        {
            Tell(before, reading);
        }

        if (_mode == MemoryGuardMode.Observe || Storage() is not { } storage)
        {
            return;
        }

        if (changed)
        {
            if (Level > before)
            {
                // More is at stake now, and a flush keeps less at this level.
                (_flushInterval, _lastFlush) = (MinFlushInterval, 0);
            }

            storage.SetAdmission(Level switch
            {
                PressureLevel.Full => SeriesAdmissionLevel.Closed,
                PressureLevel.Critical => SeriesAdmissionLevel.Fair,
                _ => SeriesAdmissionLevel.Open,
            });
        }

        GuardHeap(reading);
        GuardQueries(reading);
        if (Level >= PressureLevel.Elevated && _flush.IsCompleted && Elapsed(_lastFlush) >= _flushInterval && reading.HeadPressure(_budget) >= 0.4)
        {
            InterruptMaintenance();
            _flush = Task.Run(() => Flush(storage, Level, cancellation), cancellation);
        }
        else if (Level == PressureLevel.Calm)
        {
            _flushInterval = MinFlushInterval;
        }
    }

    // Garbage counts as used until it is collected, and pages the collector holds back count in the process: one look tells which it is.
    private void GuardHeap(in MemoryReading reading)
    {
        if ((reading.HeapPressure(_budget) >= 0.7 || reading.ProcessPressure(_budget) >= 0.8) && Elapsed(_lastCollect) >= CollectInterval)
        {
            _lastCollect = _time.GetTimestamp();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    private void GuardQueries(in MemoryReading reading)
    {
        var pressure = Math.Max(reading.HeapPressure(_budget), reading.ProcessPressure(_budget));
        Queries.Refusal = pressure >= 0.85 && Level >= PressureLevel.High
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"the server is short of memory ({reading.HeapBytes} of {_budget.HeapBytes} heap bytes, {reading.AnonymousBytes} of {_budget.TotalBytes} process bytes in use); ask again later, ask for less, or raise --memory.budget")
            : null;
        if (pressure >= 0.92 && Elapsed(_lastCancel) >= CancelInterval
            && Queries.CancelHeaviest("query cancelled: the server is short of memory; ask for less, or raise --memory.budget"))
        {
            _lastCancel = _time.GetTimestamp();
            _logger.LogWarning("Cancelled the heaviest query: {Pressure:0.00} of the memory budget is in use", pressure);
        }
    }

    private void Flush(TimeSeriesDb storage, PressureLevel level, CancellationToken cancellation)
    {
        var keep = TimeSpan.FromMinutes(level switch
        {
            PressureLevel.Elevated => 10,
            PressureLevel.High => 5,
            _ => 2,
        });
        var before = storage.HeadStats.Bytes;
        try
        {
            if (storage.FlushEarly(keep, cancellation))
            {
                _flushes.Add(1);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return;
        }
        catch (StorageException e)
        {
            _logger.LogError("Cannot flush the head: {Error}", e.Message);
        }

        var freed = before - storage.HeadStats.Bytes;
        _lastFlush = _time.GetTimestamp();

        // A head full of living series gains little: trying again soon would only cost.
        _flushInterval = freed >= _budget.HeadBytes / 20 ? MinFlushInterval : TimeSpan.FromTicks(Math.Min(_flushInterval.Ticks * 2, MaxFlushInterval.Ticks));
        _logger.LogInformation("Flushed the head early, keeping {Keep}: {Freed} bytes are free again", DurationText.Format(keep), freed);
    }

    private TimeSpan Elapsed(long since) => since == 0 ? TimeSpan.MaxValue : _time.GetElapsedTime(since);

    private void Tell(PressureLevel before, in MemoryReading reading)
    {
        var level = Level > before ? LogLevel.Warning : LogLevel.Information;
        _logger.Log(
            level,
            "Memory pressure is {Level}, was {Before}: head {Head} of {HeadCap}, heap {Heap} of {HeapCap}, process {Process} of {Budget} bytes{Mode}",
            Level, before, reading.HeadBytes, _budget.HeadBytes, reading.HeapBytes, _budget.HeapBytes, reading.AnonymousBytes, _budget.TotalBytes,
            _mode == MemoryGuardMode.Observe ? "; only observing" : string.Empty);
    }

    private void Declare()
    {
        _meter.CreateObservableGauge("metricsoperator_memory_budget_bytes", () => Parts().Select(p => Part(p.Name, p.Limit)), description: "Bytes that each part of the process may use.");
        _meter.CreateObservableGauge("metricsoperator_memory_used_bytes", () => Parts().Where(p => p.Used >= 0).Select(p => Part(p.Name, p.Used)), description: "Bytes that each part of the process uses.");
        _meter.CreateObservableGauge("metricsoperator_memory_pressure", () => _reading.Pressure(_budget), description: "Use of the scarcest part of memory, 1 at its limit.");
        _meter.CreateObservableGauge("metricsoperator_memory_pressure_level", () => (int)Level, description: "What the guard does: 0 nothing, 1 flush early, 2 bound queries, 3 admit new series by share, 4 admit none.");
        _meter.CreateObservableGauge("metricsoperator_memory_queries_bytes", () => Queries.HeldBytes, description: "Bytes that running queries hold.");
        _meter.CreateObservableCounter("metricsoperator_memory_queries_refused_total", () => Queries.Counts.Refused, description: "Queries refused for lack of memory.");
        _meter.CreateObservableCounter("metricsoperator_memory_queries_cancelled_total", () => Queries.Counts.Cancelled, description: "Queries cancelled for lack of memory.");
        _meter.CreateObservableCounter(
            "metricsoperator_memory_series_refused_total",
            () => (Storage()?.Memory(0, 0).Refused ?? []).Select(r => new Measurement<long>(r.Count, new("job", r.Job), new KeyValuePair<string, object?>("reason", r.Reason))),
            description: "New series refused for lack of memory; one that comes again counts again.");

        static Measurement<long> Part(string name, long bytes) => new(bytes, new KeyValuePair<string, object?>("part", name));
    }

    /// <summary>The parts of the budget, their limits and what they use; -1 where that is not known.</summary>
    public IReadOnlyList<(string Name, long Limit, long Used)> Parts() =>
    [
        ("total", _budget.TotalBytes, _reading.AnonymousBytes),
        ("runtime", _budget.RuntimeBytes, Math.Max(0, _reading.AnonymousBytes - _reading.HeadBytes - _reading.HeapBytes)),
        ("heap", _budget.HeapBytes, _reading.HeapBytes),
        ("head", _budget.HeadBytes, _reading.HeadBytes),
        ("buffers", _budget.BufferBytes, -1),
        ("reserve", _budget.ReserveBytes, -1),
    ];
}

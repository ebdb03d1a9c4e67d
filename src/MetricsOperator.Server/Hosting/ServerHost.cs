using System.Diagnostics.Metrics;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Discovery;
using MetricsOperator.Server.Http;
using MetricsOperator.Server.Memory;
using MetricsOperator.Server.Queries;
using MetricsOperator.Server.RemoteWrite;
using MetricsOperator.Server.Scraping;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Exposition;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Hosting;

/// <summary>
/// One server: makes the parts, wires them, and takes them through replay, service and a clean stop. The slices do not know each other; whatever one
/// has to tell another goes through here.
/// </summary>
internal sealed class ServerHost : IAsyncDisposable
{
    public const string AutoReloadFeature = "auto-reload-config";

    private static readonly TimeSpan MaintenanceInterval = TimeSpan.FromMinutes(1);

    /// <summary>How often it is looked whether the state of the head is to be written.</summary>
    private static readonly TimeSpan HeadStateInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StallInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan HttpDrainTime = TimeSpan.FromSeconds(5);

    private readonly ServerFlags _flags;
    private readonly ILoggerFactory _loggers;
    private readonly TimeProvider _time;
    private readonly ServerState _state;
    private readonly ConfigReloader _config;
    private readonly TerminationMessage _message;
    private readonly MeterRegistry _registry = new();
    private readonly Meter _meter = new("MetricsOperator.Server");
    private readonly ScrapeMetrics _scrapeMetrics = new();
    private readonly RemoteWriteMetrics _writeMetrics = new();
    private readonly KnownSeries _known;
    private readonly MemoryGuard? _guard;
    private readonly StorageOpening _opening;
    private readonly QueryGate _gate;
    private readonly QueryRecords _records;
    private readonly QueryEndpoints _queries;
    private readonly RouteTable _routes;
    private readonly LedgerKeeper _ledger;
    private readonly HttpListener _http;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _applyGate = new();
    private readonly TaskCompletionSource<Exception> _defect = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile CancellationTokenSource? _maintenanceStop;
    private volatile TimeSeriesDb? _storage;
    private bool _isOpeningTaken;
    private StallWatch? _watch;
    private volatile TargetManager? _targets;
    private volatile DiscoveryManager? _discovery;
    private volatile QueryView? _view;

    /// <param name="flags">The command line.</param>
    /// <param name="config">The configuration file, loaded.</param>
    /// <param name="message">Where the process leaves its last words.</param>
    /// <param name="loggers">Makes loggers.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="ArgumentException">A flag has a value that cannot be used.</exception>
    public ServerHost(ServerFlags flags, ServerConfig config, TerminationMessage message, ILoggerFactory loggers, TimeProvider time)
    {
        _flags = flags;
        _loggers = loggers;
        _time = time;
        _message = message;
        _state = new ServerState(time.GetUtcNow());
        _config = new ConfigReloader(flags.ConfigFile, config, time, Logger("config"));
        _config.Changed += Apply;
        _guard = MemoryGuard.For(flags, time, Logger("memory"));
        _opening = new StorageOpening(flags, config, _guard, _state, time, Logger("tsdb"), _stop.Token);
        _gate = _guard?.Queries ?? new QueryGate();
        _known = new KnownSeries(time, Math.Min(KnownSeries.DefaultMaxBytes, _guard?.Budget.MaxKnownSeriesBytes ?? long.MaxValue));
        if (_guard is not null)
        {
            _guard.Storage = () => _storage;
            _guard.InterruptMaintenance = () => _maintenanceStop?.Cancel();
        }

        try
        {
            _records = new QueryRecords(flags, _guard, QuerySettings.Parser(flags), time, Logger("query"));
            _queries = new QueryEndpoints(() => _view, _gate, _records, flags, QuerySettings.Parser(flags), time);
            _ledger = new LedgerKeeper(message, _state, _config, _scrapeMetrics, _writeMetrics, _guard?.Budget.TotalBytes ?? 0, time)
            {
                Storage = () => _storage,
                Queries = () => _records.Ledger,
            };
            _routes = new RouteTable(flags.RoutePrefix, flags.CorsOrigin);
            ApiRoutes.Map(_routes, Handlers(), () => _state.IsReady, Logger("web"));
            _http = new HttpListener(flags, _routes.HandleAsync, loggers);
        }
        catch (ArgumentException)
        {
            // The directory is left closed, as if it had not been touched.
            _stop.Cancel();
            _opening.AbandonAsync().GetAwaiter().GetResult();
            throw;
        }

        _meter.CreateObservableGauge("metricsoperator_remote_write_known_series", () => _known.Count, description: "Series that remote write finds without reading their labels.");
        _meter.CreateObservableGauge("metricsoperator_remote_write_known_series_bytes", () => _known.Bytes, description: "Bytes that remote write remembers series in.");
        _meter.CreateObservableGauge("prometheus_ready", () => _state.IsReady ? 1 : 0, description: "Whether the server is ready to serve traffic.");
        _meter.CreateObservableGauge(
            "prometheus_build_info",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", StatusEndpoints.Version)),
            description: "A metric with a constant '1' value labeled by version.");
    }

    /// <summary>Addresses that are listened on; valid once <see cref="RunAsync"/> has called back.</summary>
    public IReadOnlyList<Uri> Addresses => _http.Addresses;

    public ServerState State => _state;

    /// <summary>Asks the server to end cleanly.</summary>
    public void Stop() => _stop.Cancel();

    /// <summary>Loads the configuration file now.</summary>
    /// <returns>Why it is refused, or null.</returns>
    public Task<string?> ReloadAsync(CancellationToken cancellation) => _config.ReloadAsync(cancellation);

    /// <summary>Runs until told to stop.</summary>
    /// <param name="listening">Called when the API answers, while the data is read.</param>
    /// <exception cref="IOException">An address is in use.</exception>
    /// <exception cref="StorageException">The data directory cannot be opened.</exception>
    public async Task RunAsync(Action? listening = null)
    {
        try
        {
            // Not cancelled by a stop, which is a clean end at any time.
            await _http.StartAsync(CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            await _stop.CancelAsync();
            throw;
        }

        Logger("web").LogInformation("Listening on {Addresses}", string.Join(", ", Addresses));
        listening?.Invoke();
        var background = new List<Task> { _ledger.RunAsync(_stop.Token) };
        _isOpeningTaken = true;
        _storage = await _opening.FinishAsync();
        if (_storage is not null)
        {
            _records.Open(_storage.Companions, _state.BootId);
            _state.Progress = _state.Progress with { Phase = "done", Percent = 100 };
            StartScraping();
            _state.Phase = ServerState.Ready;
            _ledger.Write();
            Logger("server").LogInformation("Server is ready to receive requests");
            background.Add(MaintainAsync(_stop.Token));
            background.Add(_records.RunAsync(_stop.Token));
            if (_guard is not null)
            {
                background.Add(_guard.RunAsync(_stop.Token));
            }

            WatchForStalls();
            if (_flags.Features.Contains(AutoReloadFeature, StringComparer.Ordinal))
            {
                background.Add(_config.PollAsync(_flags.AutoReloadInterval, _stop.Token));
            }
        }

        background.Add(FailOnDefectAsync());
        await EndOf(background);
        await StopPartsAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isOpeningTaken)
        {
            await _stop.CancelAsync();
            await _opening.AbandonAsync();
        }

        _watch?.Dispose();
        await _http.DisposeAsync();
        _routes.Dispose();
        _queries.Dispose();
        _records.Dispose();
        _ledger.Dispose();
        _guard?.Dispose();
        _config.Dispose();
        _scrapeMetrics.Dispose();
        _writeMetrics.Dispose();
        _meter.Dispose();
        _registry.Dispose();
        _stop.Dispose();
    }

    private ApiHandlers Handlers() => new(
        _queries,
        new SeriesEndpoints(() => _view, _records.Usage),
        new TargetEndpoints(
            () => _targets is { } targets ? TargetReports.Pools(targets) : [],
            () => _targets is { } targets ? TargetReports.Metadata(targets) : []),
        new StatusEndpoints(Runtime, () => _view, () => EffectiveConfig.ToYaml(_config.Current), _flags, _time),
        new MemoryEndpoint(_guard, () => _storage),
        new QueryStatusEndpoints(_records, _flags),
        new ManagementEndpoints(Runtime, _config.ReloadAsync, Stop, _registry, _flags),
        new StartPage(_flags),
        new RemoteWriteReceiver(() => _state.IsReady ? _storage : null, _known, _flags, _writeMetrics, _time, Logger("remote-write")),
        new ExemplarEndpoints(() => _storage, QuerySettings.Parser(_flags)),
        new AdminEndpoints(() => _storage, _flags));

    private RuntimeView Runtime() => new(
        _state.StartTime,
        _state.Phase,
        _state.Progress.Percent,
        ReplayTimeLeft(),
        (_state.Progress.SegmentsTotal, _state.Progress.SegmentsDone),
        _config.Current.Hash,
        _config.Error,
        _config.LoadedAt);

    // The rest takes about as long as what this life has done; one that continues a rescue begins with what those before it have done.
    private TimeSpan? ReplayTimeLeft()
    {
        var done = _state.Progress.Percent - _state.FirstProgress.Percent;
        return done < 1 ? null : (_time.GetUtcNow() - _state.FirstProgress.Time) * ((100 - _state.Progress.Percent) / done);
    }

    private ILogger Logger(string component) => _loggers.CreateLogger(component);

    private void WatchForStalls()
    {
        var patience = _flags.StallRestart;
        if (patience == TimeSpan.Zero)
        {
            return;
        }

        var signs = new List<SignOfLife>
        {
            new("scraping", () => _scrapeMetrics.Attempts, () => _targets?.ShortestInterval is { } interval ? patience + (interval * 2) : null),
        };
        if (_guard is { } guard)
        {
            signs.Add(new SignOfLife("the memory guard", () => guard.Measurements, () => patience));
        }

        _watch = new StallWatch(StallInterval, patience, signs, FatalErrors.EndByStall);
        _watch.Start();
    }

    private void StartScraping()
    {
        _targets = new TargetManager(
            _storage!,
            _scrapeMetrics,
            new ScrapingOptions
            {
                TimestampTolerance = _flags.AdjustTimestamps ? _flags.TimestampTolerance : TimeSpan.Zero,
                HostName = Environment.MachineName,
                MaxBodyBytes = _guard is { Mode: MemoryGuardMode.Enforce } guard ? guard.Budget.MaxScrapeBody : 0,
                OnDefect = e => _defect.TrySetResult(e),
                Time = _time,
            },
            Logger("scrape"));
        _discovery = new DiscoveryManager(_targets.SetTargets, e => _defect.TrySetResult(e), _time, Logger("discovery"));
        Apply(_config.Current);
    }

    // A reload may come while the start applies what was in force before it: the newest configuration is the last to be applied.
    private void Apply(ServerConfig _)
    {
        lock (_applyGate)
        {
            var config = _config.Current;
            if (_storage is { } storage)
            {
                storage.SetMaxExemplars(config.MaxExemplars);
                var engine = new QueryEngine(QuerySettings.Engine(_flags, config, _guard is { Mode: MemoryGuardMode.Enforce } guard ? guard.Budget : null, _time));
                _view = new QueryView(storage, engine, () => storage.HeadStats, storage.Cardinality);
            }

            _targets?.Apply(config);
            _discovery?.Apply(config);
        }
    }

    private async Task MaintainAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(HeadStateInterval, _time);
        var maintained = _time.GetTimestamp();
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            _maintenanceStop = stop;
            try
            {
                if (_time.GetElapsedTime(maintained) >= MaintenanceInterval)
                {
                    maintained = _time.GetTimestamp();
                    await Task.Run(() => _storage!.RunMaintenance(_guard?.IsOptionalWorkPaused != true, stop.Token), cancellation);
                }

                if (_guard?.IsOptionalWorkPaused != true)
                {
                    await Task.Run(() => _storage!.KeepHeadState(stop.Token), cancellation);
                }
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                Logger("tsdb").LogInformation("Maintenance makes room for a flush of the head");
            }
            catch (StorageException e)
            {
                Logger("tsdb").LogError("Maintenance is tried again in {Interval}: {Error}", MaintenanceInterval, e.Message);
            }
            finally
            {
                _maintenanceStop = null;
            }
        }
    }

    private async Task FailOnDefectAsync() =>
        throw new InvalidOperationException("a background loop ended", await _defect.Task.WaitAsync(_stop.Token));

    /// <summary>Waits until the server is told to stop, or until the first background task fails.</summary>
    private async Task EndOf(List<Task> background)
    {
        while (background.Count > 0)
        {
            var ended = await Task.WhenAny(background);
            background.Remove(ended);
            if (!ended.IsCanceled)
            {
                await ended;
            }
        }
    }

    private async Task StopPartsAsync()
    {
        _watch?.Dispose();
        _state.Phase = ServerState.Stopping;
        _ledger.Write();
        Logger("server").LogInformation("Stopping");
        if (_discovery is not null)
        {
            await _discovery.DisposeAsync();
        }

        if (_targets is not null)
        {
            await _targets.DisposeAsync();
        }

        using (var drain = new CancellationTokenSource(HttpDrainTime, _time))
        {
            await _http.StopAsync(drain.Token);
        }

        _view = null;
        _records.Close();
        var problem = CloseStorage();
        _message.Final("Stopped", problem ?? "stopped cleanly");
        Logger("server").LogInformation("Stopped");
    }

    // Whatever was acknowledged is in the log already: a disk that refuses the last page does not make this a failure.
    private string? CloseStorage()
    {
        try
        {
            _storage?.Dispose();
            return null;
        }
        catch (StorageException e)
        {
            Logger("tsdb").LogError("The storage was not closed cleanly: {Error}", e.Message);
            return e.Message;
        }
        finally
        {
            _storage = null;
        }
    }
}

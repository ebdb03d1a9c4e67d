using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Samples;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Scraping;

/// <summary>What all scrape loops of a process share.</summary>
internal sealed record ScrapeEnvironment(
    IAppendable Storage, ScrapeMetrics Metrics, MetadataPool Metadata, TimeSpan TimestampTolerance, Action<Exception> OnDefect, TimeProvider Time, ILogger Logger)
{
    /// <summary>When scraping began: shortly after it, targets are scraped ahead of their turn.</summary>
    public DateTimeOffset Began { get; } = Time.GetUtcNow();

    /// <summary>Bytes of the largest body that the memory budget allows; 0 for no limit.</summary>
    public long MaxBodyBytes { get; init; }
}

/// <summary>
/// The clock of one target: scrapes at its own offset within the interval, writes what it finds in one transaction with the report series,
/// and ends series with stale markers when they, the target's answer or the target itself disappear.
/// </summary>
internal sealed class ScrapeLoop : IDisposable
{
    private readonly ScrapeEnvironment _environment;
    private readonly TargetScraper _scraper;
    private readonly BodyAppender _appender;
    private readonly ReportSeries _report;
    private readonly List<SeriesRef> _ended = [];
    private readonly Func<string?> _refusal;
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _endSeries;
    private ScrapeLoop? _predecessor;
    private ScrapeCache _cache = new();

    /// <param name="target">What to scrape.</param>
    /// <param name="client">How.</param>
    /// <param name="environment">Where to.</param>
    /// <param name="predecessor">The loop of the same target under an older configuration, already told to stop; its series are taken over.</param>
    /// <param name="refusal">A reason why every scrape of the job fails (target_limit), or null.</param>
    public ScrapeLoop(Target target, HttpMessageInvoker client, ScrapeEnvironment environment, ScrapeLoop? predecessor, Func<string?> refusal)
    {
        Target = target;
        target.Metadata = predecessor?.Target.Metadata ?? new TargetMetadata(environment.Metadata);
        if (predecessor is not null)
        {
            target.Report = predecessor.Target.Report;
        }

        _environment = environment;
        _scraper = new TargetScraper(client, target, environment.Metrics, environment.MaxBodyBytes, environment.Time);
        _appender = new BodyAppender(target, target.Metadata, environment.Time);
        _report = predecessor?._report ?? new ReportSeries(target.Labels);
        _predecessor = predecessor;
        _refusal = refusal;
    }

    public Target Target { get; }

    /// <summary>Completes when the loop has written its last sample.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Starts the loop.</summary>
    /// <param name="seed">Moves this server's offsets against those of other servers.</param>
    /// <param name="shutdown">Ends the loop at once, without stale markers: the server continues after its restart.</param>
    public void Start(ulong seed, CancellationToken shutdown) => Completion = Task.Run(() => GuardAsync(seed, shutdown), CancellationToken.None);

    /// <summary>Ends the loop.</summary>
    /// <param name="endSeries">True if the target is gone: its series get stale markers after about two intervals, unless they are continued.</param>
    public void Stop(bool endSeries)
    {
        _endSeries = endSeries;
        _stop.Cancel();
    }

    public void Dispose() => _stop.Dispose();

    private async Task GuardAsync(ulong seed, CancellationToken shutdown)
    {
        try
        {
            await RunAsync(seed, shutdown);
        }
        catch (Exception e)
        {
            // What a target does wrong never gets here: the process must not go on half blind.
            _environment.Logger.LogCritical(e, "Scrape loop of {Job} {Url} ended", Target.Job.JobName, Target.Url);
            _environment.OnDefect(e);
        }
    }

    private async Task RunAsync(ulong seed, CancellationToken shutdown)
    {
        var continues = _predecessor is not null;
        if (_predecessor is not null)
        {
            await _predecessor.Completion;
            TakeOver(_predecessor);

            // Else every change of the configuration would keep another loop and its cache in memory.
            _predecessor = null;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(shutdown, _stop.Token);
        var time = _environment.Time;
        var start = time.GetUtcNow();
        var offset = ScrapeSchedule.Offset(Target.Interval, Target.Key, seed, start);
        var turn = WholeMilliseconds(start + offset);
        var due = turn;
        if (!continues && start - _environment.Began < ScrapeSchedule.StartPhase && ScrapeSchedule.CatchUp(offset, Target.Key) is { } soon)
        {
            due = WholeMilliseconds(start + soon);
        }

        var previous = default(DateTimeOffset);
        while (await DelayUntilAsync(due, either.Token))
        {
            var now = time.GetUtcNow();
            _environment.Metrics.Attempted();
            if (previous != default)
            {
                _environment.Metrics.Interval(now - previous, DurationText.Format(Target.Interval));
            }

            previous = now;
            if (!await ScrapeAsync(AlignedMs(now, due), either.Token))
            {
                break;
            }

            due = due < turn ? turn : due + Target.Interval;
            while (due + Target.Interval <= time.GetUtcNow())
            {
                due += Target.Interval;
            }
        }

        if (_endSeries && !shutdown.IsCancellationRequested)
        {
            await EndSeriesAsync(due, shutdown);
        }
    }

    private static DateTimeOffset WholeMilliseconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

    private void TakeOver(ScrapeLoop predecessor)
    {
        var before = predecessor.Target.Job;
        var now = Target.Job;
        var sameDecisions = before.HonorLabels == now.HonorLabels
            && before.HonorTimestamps == now.HonorTimestamps
            && before.TrackTimestampsStaleness == now.TrackTimestampsStaleness
            && before.MetricRelabel.Rules.SequenceEqual(now.MetricRelabel.Rules, RelabelRuleComparer.Instance)
            && before.Limits == now.Limits;
        if (sameDecisions)
        {
            _cache = predecessor._cache;
        }
        else
        {
            _cache.Inherit(predecessor._cache);
        }
    }

    private async Task<bool> DelayUntilAsync(DateTimeOffset due, CancellationToken cancellation)
    {
        var wait = due - _environment.Time.GetUtcNow();
        if (wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, _environment.Time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return !cancellation.IsCancellationRequested;
    }

    /// <summary>The due time when the scrape is late by no more than the tolerance: even timestamps compress far better.</summary>
    private long AlignedMs(DateTimeOffset now, DateTimeOffset due)
    {
        var onePercent = Target.Interval / 100;
        var tolerance = _environment.TimestampTolerance < onePercent ? _environment.TimestampTolerance : onePercent;
        return ((now - due).Duration() <= tolerance ? due : now).ToUnixTimeMilliseconds();
    }

    /// <returns>False when the loop was stopped meanwhile.</returns>
    private async Task<bool> ScrapeAsync(long timestampMs, CancellationToken stop)
    {
        var began = _environment.Time.GetTimestamp();
        if (_refusal() is { } refusal)
        {
            Write(timestampMs, began, new FetchedBody(null, 0, default, refusal));
            return true;
        }

        try
        {
            using var fetched = await _scraper.FetchAsync(stop);
            Write(timestampMs, began, fetched);
            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private void Write(long timestampMs, long began, in FetchedBody fetched)
    {
        var result = new AppendedBody { Error = fetched.Error };
        _cache.BeginScrape();
        _ended.Clear();
        try
        {
            var appender = _environment.Storage.CreateAppender();
            try
            {
                if (fetched.Error is null)
                {
                    result = _appender.Append(appender, _cache, fetched.Body, fetched.Format, timestampMs);
                }

                if (result.Error is null)
                {
                    _cache.EndScrape(s => End(appender, s, timestampMs));
                }
                else
                {
                    appender.Rollback();
                    appender.Dispose();
                    appender = _environment.Storage.CreateAppender();
                    _cache.EndAll(s => End(appender, s, timestampMs));
                }

                _report.Append(appender, timestampMs, result.Error is null, _environment.Time.GetElapsedTime(began), result);
                appender.Commit();
            }
            finally
            {
                appender.Dispose();
            }
        }
        catch (StorageException e)
        {
            result.Error = e.Message;
            _cache.Owe(_ended);
            _environment.Logger.LogError("Cannot store a scrape of {Job} {Url}: {Error}", Target.Job.JobName, Target.Url, e.Message);
        }

        Account(timestampMs, began, result);
    }

    private void End(IAppender appender, SeriesRef series, long timestampMs)
    {
        _ended.Add(series);
        appender.Append(series, timestampMs, StaleMarker.Value);
    }

    private void Account(long timestampMs, long began, in AppendedBody result)
    {
        _environment.Metrics.Scraped(result, Target.Job.JobName);
        var before = Target.Report;
        Target.Report = new ScrapeReport(
            DateTimeOffset.FromUnixTimeMilliseconds(timestampMs), _environment.Time.GetElapsedTime(began), result.Error ?? string.Empty, result.Samples);
        if (result.Error is not null && (before.IsUnknown || before.Error.Length == 0))
        {
            _environment.Logger.LogWarning("Scrape of {Job} {Url} fails: {Error}", Target.Job.JobName, Target.Url, result.Error);
        }
        else if (result.Error is null && before.Error.Length > 0)
        {
            _environment.Logger.LogInformation("Scrape of {Job} {Url} works again", Target.Job.JobName, Target.Url);
        }

        if (result.Duplicates + result.OutOfOrder + result.OutOfBounds > 0)
        {
            _environment.Logger.LogDebug(
                "Scrape of {Job} {Url}: {Duplicates} duplicate, {OutOfOrder} out of order, {OutOfBounds} out of bounds samples left out",
                Target.Job.JobName, Target.Url, result.Duplicates, result.OutOfOrder, result.OutOfBounds);
        }
    }

    /// <summary>
    /// Waits long enough for the target to appear again under another configuration, then writes stale markers with the time at which
    /// the next scrape would have been.
    /// </summary>
    private async Task EndSeriesAsync(DateTimeOffset due, CancellationToken shutdown)
    {
        if (await DelayUntilAsync(due + Target.Interval + (Target.Interval / 10), shutdown))
        {
            try
            {
                using var appender = _environment.Storage.CreateAppender();
                var timestampMs = due.ToUnixTimeMilliseconds();
                _cache.EndAll(s => appender.Append(s, timestampMs, StaleMarker.Value));
                _report.AppendStale(appender, timestampMs);
                appender.Commit();
            }
            catch (StorageException e)
            {
                _environment.Logger.LogError("Cannot end the series of {Job} {Url}: {Error}", Target.Job.JobName, Target.Url, e.Message);
            }
        }
    }
}

using System.Diagnostics.Metrics;

namespace MetricsOperator.Server.Scraping;

/// <summary>Figures about scraping, under Prometheus' names, and the running totals that the termination message reports.</summary>
public sealed class ScrapeMetrics : IDisposable
{
    private readonly Meter _meter = new("MetricsOperator.Server");
    private readonly Counter<long> _pools;
    private readonly Counter<long> _sampleLimit;
    private readonly Counter<long> _bodySizeLimit;
    private readonly Counter<long> _duplicates;
    private readonly Counter<long> _outOfOrder;
    private readonly Counter<long> _outOfBounds;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _reloads;
    private readonly Histogram<double> _intervals;
    private long _attempts;
    private long _samples;
    private long _newSeries;

    public ScrapeMetrics()
    {
        _pools = _meter.CreateCounter<long>("prometheus_target_scrape_pools_total", description: "Total number of scrape pool creation attempts.");
        _reloads = _meter.CreateCounter<long>("prometheus_target_scrape_pool_reloads_total", description: "Total number of scrape pool reloads.");
        _sampleLimit = _meter.CreateCounter<long>(
            "prometheus_target_scrapes_exceeded_sample_limit_total", description: "Total number of scrapes that hit the sample limit and were rejected.");
        _bodySizeLimit = _meter.CreateCounter<long>(
            "prometheus_target_scrapes_exceeded_body_size_limit_total", description: "Total number of scrapes that hit the body size limit.");
        _duplicates = _meter.CreateCounter<long>(
            "prometheus_target_scrapes_sample_duplicate_timestamp_total", description: "Total number of samples rejected due to duplicate timestamps but different values.");
        _outOfOrder = _meter.CreateCounter<long>(
            "prometheus_target_scrapes_sample_out_of_order_total", description: "Total number of samples rejected due to not being out of the expected order.");
        _outOfBounds = _meter.CreateCounter<long>(
            "prometheus_target_scrapes_sample_out_of_bounds_total", description: "Total number of samples rejected due to timestamp falling outside of the time bounds.");
        _refused = _meter.CreateCounter<long>(
            "metricsoperator_scrape_series_refused_total", description: "Total number of samples of new series that the memory budget refused, per job.");
        _intervals = _meter.CreateHistogram(
            "prometheus_target_interval_length_seconds",
            description: "Actual intervals between scrapes.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300] });
    }

    /// <summary>Scrapes begun since the process began, whatever became of them.</summary>
    public long Attempts => Interlocked.Read(ref _attempts);

    /// <summary>Samples scraped since the process began.</summary>
    public long Samples => Interlocked.Read(ref _samples);

    /// <summary>Texts that were new to their target since the process began.</summary>
    public long NewSeries => Interlocked.Read(ref _newSeries);

    public void PoolCreated() => _pools.Add(1);

    public void PoolReloaded() => _reloads.Add(1);

    public void Attempted() => Interlocked.Increment(ref _attempts);

    public void Interval(TimeSpan actual, string interval) => _intervals.Record(actual.TotalSeconds, new KeyValuePair<string, object?>("interval", interval));

    public void BodySizeLimitHit() => _bodySizeLimit.Add(1);

    internal void Scraped(in AppendedBody body, string job)
    {
        Interlocked.Add(ref _samples, body.Samples);
        Interlocked.Add(ref _newSeries, body.NewSeries);
        AddIf(_duplicates, body.Duplicates);
        AddIf(_outOfOrder, body.OutOfOrder);
        AddIf(_outOfBounds, body.OutOfBounds);
        if (body.SampleLimitHit)
        {
            _sampleLimit.Add(1);
        }

        if (body.Refused > 0)
        {
            _refused.Add(body.Refused, new KeyValuePair<string, object?>("job", job));
        }
    }

    public void Dispose() => _meter.Dispose();

    private static void AddIf(Counter<long> counter, long count)
    {
        if (count > 0)
        {
            counter.Add(count);
        }
    }
}

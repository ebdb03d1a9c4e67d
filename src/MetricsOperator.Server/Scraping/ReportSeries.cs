using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Server.Scraping;

/// <summary>The series that a scrape writes about itself. They pass neither metric relabeling nor limits.</summary>
internal sealed class ReportSeries(LabelSet targetLabels)
{
    private static readonly byte[][] Names =
    [
        "up"u8.ToArray(),
        "scrape_duration_seconds"u8.ToArray(),
        "scrape_samples_scraped"u8.ToArray(),
        "scrape_samples_post_metric_relabeling"u8.ToArray(),
        "scrape_series_added"u8.ToArray(),
    ];

    private readonly SeriesRef[] _series = new SeriesRef[Names.Length];

    /// <summary>Writes the report of one scrape.</summary>
    public void Append(IAppender appender, long timestampMs, bool up, TimeSpan duration, in AppendedBody body)
    {
        AppendOne(appender, 0, timestampMs, up ? 1 : 0);
        AppendOne(appender, 1, timestampMs, duration.TotalSeconds);
        AppendOne(appender, 2, timestampMs, body.Samples);
        AppendOne(appender, 3, timestampMs, body.Kept);
        AppendOne(appender, 4, timestampMs, body.NewSeries);
    }

    /// <summary>Ends the report series of a target that is no more.</summary>
    public void AppendStale(IAppender appender, long timestampMs)
    {
        for (var i = 0; i < Names.Length; i++)
        {
            AppendOne(appender, i, timestampMs, StaleMarker.Value);
        }
    }

    private void AppendOne(IAppender appender, int index, long timestampMs, double value)
    {
        ref var series = ref _series[index];
        if (!series.IsNone && appender.Append(series, timestampMs, value) != AppendOutcome.UnknownSeries)
        {
            return;
        }

        series = appender.GetOrCreate(new LabelSetBuilder(targetLabels).Set(LabelNames.MetricNameUtf8, Names[index]).Build(), out _);
        if (!series.IsNone)
        {
            appender.Append(series, timestampMs, value);
        }
    }
}

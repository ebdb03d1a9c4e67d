using System.Globalization;
using System.Text;
using MetricsOperator.Server.Scraping;
using MetricsOperator.Server.Tests.Config;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Exposition;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Scraping;

public sealed class BodyAppenderTests
{
    [Fact]
    public void A_known_body_is_appended_without_allocating()
    {
        var job = ConfigFileTests.Parse(
            "scrape_configs: [{job_name: j, metric_relabel_configs: [{source_labels: [__name__], regex: 'dropped.*', action: drop}]}]").ScrapeConfigs[0];
        var target = TargetLabels.Build(LabelSet.Of(("__address__", "h:1")), job, out _)!;
        var text = new StringBuilder("# HELP metric Something.\n# TYPE metric gauge\n");
        for (var i = 0; i < 500; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"metric{{label=\"{i}\",other=\"x\"}} {i * 0.5}\ndropped{{label=\"{i}\"}} 1\n");
        }

        var body = Encoding.UTF8.GetBytes(text.ToString());
        var appender = new BodyAppender(target, new TargetMetadata(new MetadataPool()), TimeProvider.System);
        var cache = new ScrapeCache();
        using var sink = new CountingAppender();
        Action<SeriesRef> gone = _ => { };
        AllocationAssert.AtMost(0, () =>
        {
            sink.Samples = 0;
            cache.BeginScrape();
            var result = appender.Append(sink, cache, body, ExpositionFormat.Text, 1000);
            cache.EndScrape(gone);
            if (result.Kept != 500 || result.Samples != 1000 || sink.Samples != 500)
            {
                throw new InvalidOperationException($"{result} {sink.Samples}");
            }
        });
    }

    private sealed class CountingAppender : IAppender
    {
        private ulong _next;

        public long Samples { get; set; }

        public SeriesRef GetOrCreate(LabelSet labels, out AppendOutcome outcome)
        {
            outcome = AppendOutcome.Ok;
            return new SeriesRef(++_next);
        }

        public AppendOutcome Append(SeriesRef series, long timestampMs, double value)
        {
            Samples++;
            return AppendOutcome.Ok;
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
        }

        public void Rollback()
        {
        }

        public void Dispose()
        {
        }
    }
}

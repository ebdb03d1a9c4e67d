using System.Text.Json;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Contracts;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>What is scraped: <c>/api/v1/targets</c>, <c>targets/metadata</c>, <c>metadata</c>, <c>scrape_pools</c>.</summary>
internal sealed class TargetEndpoints(Func<IReadOnlyList<ScrapePoolView>> pools, Func<IEnumerable<MetadataView>> metadata)
{
    public Task PoolsAsync(HttpContext context) => Envelope.WriteAsync(context, json =>
    {
        json.WriteStartObject();
        json.WritePropertyName("scrapePools"u8);
        json.WriteStrings(pools().Select(p => p.Name));
        json.WriteEndObject();
    });

    public async Task TargetsAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var pool = parameters.Get("scrapePool");
        var state = parameters.Get("state");
        var chosen = pools().Where(p => pool.Length == 0 || p.Name == pool).ToList();
        var active = state is "" or "any" || string.Equals(state, "active", StringComparison.OrdinalIgnoreCase);
        var dropped = state is "" or "any" || string.Equals(state, "dropped", StringComparison.OrdinalIgnoreCase);
        await Envelope.WriteAsync(context, json => WriteTargets(json, chosen, active, dropped));
    }

    public async Task MetadataAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var limit = parameters.MetadataLimit("limit");
        var perMetric = parameters.MetadataLimit("limit_per_metric");
        var metric = parameters.Get("metric");
        var families = new SortedDictionary<string, HashSet<MetricMetadata>>(StringComparer.Ordinal);
        foreach (var entry in metadata())
        {
            if (metric.Length > 0 && entry.Metric != metric)
            {
                continue;
            }

            if (!families.TryGetValue(entry.Metric, out var descriptions))
            {
                families.Add(entry.Metric, descriptions = []);
            }

            if (perMetric <= 0 || descriptions.Count < perMetric)
            {
                descriptions.Add(entry.Metadata);
            }
        }

        await Envelope.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            foreach (var (name, descriptions) in limit >= 0 ? families.Take(limit) : families)
            {
                json.WriteStartArray(name);
                foreach (var description in descriptions)
                {
                    json.WriteStartObject();
                    WriteMetadata(json, description);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        });
    }

    public async Task TargetMetadataAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var limit = parameters.MetadataLimit("limit");
        var metric = parameters.Get("metric");
        var selectors = parameters.Get("match_target").Length > 0 ? parameters.Selectors("match_target") : [];
        var entries = metadata()
            .Where(e => metric.Length == 0 || e.Metric == metric)
            .Where(e => selectors.Count == 0 || selectors.Any(s => s.All(m => m.Matches(e.Target))));
        var chosen = (limit >= 0 ? entries.Take(limit) : entries).ToList();
        if (chosen.Count == 0)
        {
            throw new ApiException(ApiErrorType.NotFound, "specified metadata not found");
        }

        await Envelope.WriteAsync(context, json =>
        {
            json.WriteStartArray();
            foreach (var entry in chosen)
            {
                json.WriteStartObject();
                json.WritePropertyName("target"u8);
                json.WriteLabels(entry.Target);
                if (metric.Length == 0)
                {
                    json.WriteString("metric"u8, entry.Metric);
                }

                WriteMetadata(json, entry.Metadata);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static void WriteTargets(Utf8JsonWriter json, List<ScrapePoolView> pools, bool active, bool dropped)
    {
        json.WriteStartObject();
        json.WriteStartArray("activeTargets"u8);
        foreach (var target in active ? pools.SelectMany(p => p.Active.OrderBy(t => t.Labels)) : [])
        {
            WriteTarget(json, target);
        }

        json.WriteEndArray();
        json.WriteStartArray("droppedTargets"u8);
        foreach (var (pool, labels) in dropped ? pools.SelectMany(p => p.Dropped.Select(d => (p.Name, d))) : [])
        {
            json.WriteStartObject();
            json.WritePropertyName("discoveredLabels"u8);
            json.WriteLabels(labels);
            json.WriteString("scrapePool"u8, pool);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("droppedTargetCounts"u8);
        foreach (var pool in dropped ? pools : [])
        {
            json.WriteNumber(pool.Name, pool.DroppedCount);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteTarget(Utf8JsonWriter json, TargetView target)
    {
        json.WriteStartObject();
        json.WritePropertyName("discoveredLabels"u8);
        json.WriteLabels(target.DiscoveredLabels);
        json.WritePropertyName("labels"u8);
        json.WriteLabels(target.Labels);
        json.WriteString("scrapePool"u8, target.ScrapePool);
        json.WriteString("scrapeUrl"u8, target.ScrapeUrl.AbsoluteUri);
        json.WriteString("globalUrl"u8, GlobalUrl(target.ScrapeUrl));
        json.WriteString("lastError"u8, target.LastError);
        json.WriteTime("lastScrape", target.LastScrape);
        json.WriteNumber("lastScrapeDuration"u8, target.LastScrapeDuration.TotalSeconds);
        json.WriteString("health"u8, target.Health);
        json.WriteString("scrapeInterval"u8, DurationText.Format(target.ScrapeInterval));
        json.WriteString("scrapeTimeout"u8, DurationText.Format(target.ScrapeTimeout));
        json.WriteEndObject();
    }

    // A loopback address means nothing to whoever reads the page elsewhere.
    private static string GlobalUrl(Uri url) => url.IsLoopback && url.Host is "localhost" or "127.0.0.1" or "[::1]"
        ? new UriBuilder(url) { Host = Environment.MachineName }.Uri.AbsoluteUri
        : url.AbsoluteUri;

    private static void WriteMetadata(Utf8JsonWriter json, MetricMetadata metadata)
    {
        json.WriteString("type"u8, metadata.Type);
        json.WriteString("help"u8, metadata.Help);
        json.WriteString("unit"u8, metadata.Unit);
    }
}

using MetricsOperator.Server.Http;
using MetricsOperator.Server.Scraping;

namespace MetricsOperator.Server.Hosting;

/// <summary>Shows what scraping knows in the terms of the API.</summary>
internal static class TargetReports
{
    public static IReadOnlyList<ScrapePoolView> Pools(TargetManager targets) =>
        [.. targets.Jobs().Select(j => new ScrapePoolView(j.Job, [.. j.Active.Select(View)], j.Dropped, j.DroppedCount))];

    public static IEnumerable<MetadataView> Metadata(TargetManager targets) =>
        targets.Metadata().Select(m => new MetadataView(m.Target.Labels, m.Family, m.Metadata));

    private static TargetView View(Target target)
    {
        var report = target.Report;
        return new TargetView(
            target.DiscoveredLabels,
            target.Labels,
            target.Job.JobName,
            target.Url,
            report.Error,
            report.At,
            report.Duration,
            report.IsUnknown ? "unknown" : report.Error.Length == 0 ? "up" : "down",
            target.Interval,
            target.Timeout);
    }
}

using System.Globalization;
using System.Text;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Scraping;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Planning.Tuning;

/// <summary>Says what a step changes and what it is expected to save, in numbers taken from the last words of the server that died.</summary>
public static class StepPreview
{
    /// <summary>True if any job is scraped or kept differently.</summary>
    public static bool Changes(EffectiveScrape before, EffectiveScrape after) =>
        before.Jobs.Zip(after.Jobs).Any(p => p.First.Interval != p.Second.Interval || p.First.KeepRegex != p.Second.KeepRegex);

    /// <summary>For example <c>interval 15s -> 1m on 3 jobs</c>.</summary>
    public static string Detail(EffectiveScrape before, EffectiveScrape after)
    {
        var parts = new List<string>();
        foreach (var change in before.Jobs.Zip(after.Jobs).Where(p => p.First.Interval != p.Second.Interval).GroupBy(p => (p.First.Interval, After: p.Second.Interval)))
        {
            parts.Add($"interval {MetricsDuration.Format(change.Key.Interval)} -> {MetricsDuration.Format(change.Key.After)} on {Jobs(change.Select(p => p.First.Job))}");
        }

        foreach (var change in before.Jobs.Zip(after.Jobs).Where(p => p.First.KeepRegex != p.Second.KeepRegex).GroupBy(p => string.Join(", ", p.Second.KeepLists)))
        {
            parts.Add($"keep-list {change.Key} on {Jobs(change.Select(p => p.First.Job))}");
        }

        return string.Join("; ", parts);
    }

    /// <summary>What the step saves, as far as the last words tell.</summary>
    public static string Expected(EffectiveScrape before, EffectiveScrape after, TerminationMessage? words)
    {
        var parts = new List<string>();
        var samplesBefore = before.Jobs.Sum(j => 1 / j.Interval.TotalSeconds);
        var samplesAfter = after.Jobs.Sum(j => 1 / j.Interval.TotalSeconds);
        if (samplesAfter < samplesBefore)
        {
            var share = samplesAfter / samplesBefore;
            parts.Add(words is { SamplesPerSecond: > 0 }
                ? string.Create(CultureInfo.InvariantCulture, $"about {words.SamplesPerSecond:0} -> {words.SamplesPerSecond * share:0} samples/s, and new series {words.NewSeriesPerSecond:0} -> {words.NewSeriesPerSecond * share:0} per second where they live shorter than a scrape")
                : string.Create(CultureInfo.InvariantCulture, $"{100 - (share * 100):0}% fewer samples"));
        }

        if (Dropped(before, after, words) is { } dropped)
        {
            parts.Add(dropped);
        }

        return parts.Count == 0 ? "not known: the server left no last words" : string.Join("; ", parts);
    }

    private static string? Dropped(EffectiveScrape before, EffectiveScrape after, TerminationMessage? words)
    {
        var filters = before.Jobs.Zip(after.Jobs).Where(p => p.First.KeepRegex != p.Second.KeepRegex).Select(p => new AnchoredRegex(p.Second.KeepRegex!)).ToList();
        if (filters.Count == 0)
        {
            return null;
        }

        if (words is not { HeadSeries: > 0 })
        {
            return "every series that the keep-lists do not name";
        }

        // A metric counts as dropped when no changed job keeps it; jobs that stay as they are may still hold it, hence "up to".
        var dropped = words.TopMetrics().Where(t => !filters.Exists(f => f.IsMatch(Encoding.UTF8.GetBytes(t.Metric)))).ToList();
        if (dropped.Count == 0)
        {
            return "none of the largest metrics; the rest that the keep-lists do not name";
        }

        var names = string.Join(", ", dropped.Take(3).Select(t => string.Create(CultureInfo.InvariantCulture, $"{t.Metric} ({t.Series})")));
        return string.Create(CultureInfo.InvariantCulture, $"up to {dropped.Sum(t => t.Series)} of {words.HeadSeries} series: {names}{(dropped.Count > 3 ? ", ..." : "")}");
    }

    private static string Jobs(IEnumerable<ScrapeJob> jobs)
    {
        var names = jobs.Select(j => j.Name).ToList();
        return names.Count <= 3 ? $"job{(names.Count == 1 ? "" : "s")} {string.Join(", ", names)}" : $"{names.Count.ToString(CultureInfo.InvariantCulture)} jobs";
    }
}

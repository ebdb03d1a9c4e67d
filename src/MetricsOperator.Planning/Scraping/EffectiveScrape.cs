using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Planning.Scraping;

/// <summary>One job with everything decided: defaults, clamps and the steps in force.</summary>
/// <param name="Job">The job as the user wrote it.</param>
/// <param name="WantedInterval">The interval without steps.</param>
/// <param name="Interval">The interval in force.</param>
/// <param name="Timeout">At most the interval.</param>
/// <param name="KeepLists">Names of the keep-lists in force, sorted.</param>
/// <param name="KeepRegex">What is kept, or null for everything.</param>
public sealed record EffectiveJob(ScrapeJob Job, TimeSpan WantedInterval, TimeSpan Interval, TimeSpan Timeout, IReadOnlyList<string> KeepLists, string? KeepRegex);

/// <summary>What a stack scrapes once the steps in force are applied over its spec.</summary>
public sealed class EffectiveScrape
{
    private static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(10);

    private EffectiveScrape(IReadOnlyList<EffectiveJob> jobs, TimeSpan interval, TimeSpan timeout)
    {
        Jobs = jobs;
        Interval = interval;
        Timeout = timeout;
    }

    /// <summary>In the order of the spec.</summary>
    public IReadOnlyList<EffectiveJob> Jobs { get; }

    /// <summary>Longest interval in force.</summary>
    public TimeSpan Interval { get; }

    /// <summary>Timeout of a job that has the stack's interval.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>Names of all keep-lists in force, sorted.</summary>
    public IReadOnlyList<string> KeepLists => [.. Jobs.SelectMany(j => j.KeepLists).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Applies steps to a validated spec. Keep-lists that are named but not given keep nothing; validation refuses such specs before.</summary>
    /// <param name="spec">A spec that validation accepted.</param>
    /// <param name="activeSteps">Names of the steps in force.</param>
    /// <param name="keepLists">Keep-lists of the stack's namespace.</param>
    public static EffectiveScrape Of(MetricsStackSpec spec, IReadOnlyCollection<string> activeSteps, IReadOnlyList<MetricsKeepList> keepLists)
    {
        var byName = keepLists.ToDictionary(l => l.Metadata.Name ?? "", StringComparer.Ordinal);
        var steps = StepLadder.Of(spec.Overload).Where(s => activeSteps.Contains(s.Name)).ToList();
        var jobs = spec.Scrape.Jobs.ConvertAll(job => Resolve(spec.Scrape, job, steps, byName));
        var own = Clamp(spec.Scrape, MetricsDuration.Parse(spec.Scrape.Interval));
        var raised = steps.Aggregate(own, (interval, step) => step.RaisedInterval(interval));
        var longest = jobs.Count == 0 ? raised : jobs.Max(j => j.Interval);
        return new EffectiveScrape(jobs, longest, TimeoutFor(spec.Scrape.Timeout, raised));
    }

    private static EffectiveJob Resolve(ScrapeSpec scrape, ScrapeJob job, List<LadderStep> steps, Dictionary<string, MetricsKeepList> byName)
    {
        var wanted = Clamp(scrape, MetricsDuration.Parse(job.Interval ?? scrape.Interval));
        var interval = steps.Aggregate(wanted, (current, step) => step.RaisedInterval(current));
        var names = scrape.KeepLists.Concat(steps.SelectMany(s => s.KeepListsFor(job))).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var regex = names.Count == 0
            ? null
            : KeepRegex.Build(names.Where(byName.ContainsKey).Select(n => byName[n]), scrape.ProtectedMetrics);
        return new EffectiveJob(job, wanted, interval, TimeoutFor(job.Timeout ?? scrape.Timeout, interval), names, regex);
    }

    private static TimeSpan Clamp(ScrapeSpec scrape, TimeSpan interval)
    {
        var least = MetricsDuration.Parse(scrape.MinInterval);
        return interval < least ? least : interval;
    }

    private static TimeSpan TimeoutFor(string? wanted, TimeSpan interval)
    {
        var timeout = wanted is null ? UsualTimeout : MetricsDuration.Parse(wanted);
        return timeout < interval ? timeout : interval;
    }
}

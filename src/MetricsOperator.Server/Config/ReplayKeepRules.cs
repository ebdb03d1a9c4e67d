using System.Text;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Relabeling;

namespace MetricsOperator.Server.Config;

/// <summary>
/// The part of metric relabeling that can be decided from a stored series alone: keep and drop rules on <c>__name__</c> of the job that
/// the series' <c>job</c> label names. Applied while the log is replayed, it makes a tightened configuration reach what the log holds.
/// </summary>
public sealed class ReplayKeepRules
{
    // Report series are written beside the scrape and never pass metric relabeling.
    private static readonly HashSet<string> ReportSeries = new(StringComparer.Ordinal)
    {
        "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added",
        "scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes",
    };

    private readonly Dictionary<string, RelabelProgram> _byJob = new(StringComparer.Ordinal);

    // Few names cover many series: the answer per job and name is remembered while replaying.
    private readonly Dictionary<(string Job, string Name), bool> _decisions = [];

    public ReplayKeepRules(ServerConfig config)
    {
        foreach (var job in config.ScrapeConfigs)
        {
            var rules = PureNameRules(job.MetricRelabel.Rules);
            if (rules.Count > 0)
            {
                _byJob.Add(job.JobName, new RelabelProgram(rules));
            }
        }
    }

    /// <summary>True when no job has such rules, so that every series is kept.</summary>
    public bool IsEmpty => _byJob.Count == 0;

    /// <summary>True if the series is to be loaded. Not thread-safe.</summary>
    public bool Keep(LabelSet labels)
    {
        var job = labels.Get(LabelNames.Job);
        if (!_byJob.TryGetValue(job, out var program))
        {
            return true;
        }

        var name = Encoding.UTF8.GetString(labels.GetUtf8(LabelNames.MetricNameUtf8));
        if (!_decisions.TryGetValue((job, name), out var keep))
        {
            keep = ReportSeries.Contains(name) || program.Apply(new LabelSetBuilder().Set(LabelNames.MetricName, name));
            _decisions.Add((job, name), keep);
        }

        return keep;
    }

    /// <summary>
    /// Rules that look at nothing but the metric name. A rule that may rename the metric hides the exposed name from what follows in the
    /// other direction: rules before it saw a name that storage does not have, so only rules after the last such rule count.
    /// </summary>
    private static List<RelabelRule> PureNameRules(IReadOnlyList<RelabelRule> rules)
    {
        var pure = new List<RelabelRule>();
        foreach (var rule in rules)
        {
            if (rule.Action is RelabelAction.Keep or RelabelAction.Drop)
            {
                if (rule.SourceLabels is [LabelNames.MetricName])
                {
                    pure.Add(rule);
                }
            }
            else if (MayRename(rule))
            {
                pure.Clear();
            }
        }

        return pure;
    }

    private static bool MayRename(RelabelRule rule) => rule.Action switch
    {
        RelabelAction.LabelMap => true,
        RelabelAction.Replace or RelabelAction.Lowercase or RelabelAction.Uppercase or RelabelAction.HashMod =>
            rule.TargetLabel == LabelNames.MetricName || rule.TargetLabel.Contains('$', StringComparison.Ordinal),
        _ => false,
    };
}

using System.Text;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Hashing;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Scraping;

/// <summary>How the last scrape of a target went.</summary>
/// <param name="At">When it began; the default before the first scrape.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Error">Why it failed, or an empty string.</param>
/// <param name="Samples">Samples in the body.</param>
public sealed record ScrapeReport(DateTimeOffset At, TimeSpan Duration, string Error, long Samples)
{
    /// <summary>True before the first scrape.</summary>
    public bool IsUnknown => At == default;
}

/// <summary>Something to scrape. Immutable but for the report of its last scrape.</summary>
public sealed class Target
{
    private static readonly ScrapeReport Unknown = new(default, TimeSpan.Zero, string.Empty, 0);
    private ScrapeReport _report = Unknown;

    internal Target(ScrapeConfig job, LabelSet discoveredLabels, LabelSet labels, Uri url, TimeSpan interval, TimeSpan timeout)
    {
        Job = job;
        DiscoveredLabels = discoveredLabels;
        Labels = labels;
        Url = url;
        Interval = interval;
        Timeout = timeout;
        Key = StableHash.Hash64(Encoding.UTF8.GetBytes(url.AbsoluteUri)) ^ labels.Hash;
    }

    public ScrapeConfig Job { get; }

    /// <summary>Before relabeling; discovery may find the same target with other labels later.</summary>
    public LabelSet DiscoveredLabels { get; internal set; }

    /// <summary>Labels of all its series.</summary>
    public LabelSet Labels { get; }

    public Uri Url { get; }

    public TimeSpan Interval { get; }

    public TimeSpan Timeout { get; }

    /// <summary>Same labels and URL, same key, in every process.</summary>
    public ulong Key { get; }

    public ScrapeReport Report
    {
        get => Volatile.Read(ref _report);
        internal set => Volatile.Write(ref _report, value);
    }

    /// <summary>Metadata of the metrics that the target exposes, by family name; null before it is scraped.</summary>
    internal TargetMetadata? Metadata { get; set; }
}

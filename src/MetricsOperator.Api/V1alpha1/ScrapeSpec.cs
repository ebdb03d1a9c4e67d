using System.ComponentModel;
using MetricsOperator.Api.Schema;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>What the whole stack scrapes.</summary>
public sealed record ScrapeSpec
{
    [Description("Time between two scrapes of a target. Default: 30s.")]
    [Pattern(MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string Interval { get; set; } = "30s";

    [Description("Time after which a scrape is given up; at most the interval. Default: 10s, or the interval when that is shorter.")]
    [Pattern(MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string? Timeout { get; set; }

    [Description("No job is scraped more often than this. Default: 1s.")]
    [Pattern(MetricsDuration.Pattern)]
    [Bounds(2, 32)]
    public string MinInterval { get; set; } = "1s";

    [Description("Limits of each scrape; a scrape that exceeds one fails as a whole.")]
    public ScrapeLimits Limits { get; set; } = new();

    [Description("MetricsKeepLists that are always in force: only the metrics they name are stored.")]
    [Bounds(0, 32)]
    [ListSet]
    public List<string> KeepLists { get; set; } = [];

    [Description("Metric names (anchored regular expressions) that no keep-list and no reaction ever drops.")]
    [Bounds(0, 256)]
    public List<string> ProtectedMetrics { get; set; } = [];

    [Description("Relabeling of the samples of every job, before the job's own.")]
    [Bounds(0, 128)]
    public List<RelabelConfig> MetricRelabelings { get; set; } = [];

    [Description("What to scrape.")]
    [Bounds(0, 200)]
    [ListMapKey("name")]
    public List<ScrapeJob> Jobs { get; set; } = [];
}

/// <summary>Limits with the meaning they have in Prometheus; 0 is no limit.</summary>
public sealed record ScrapeLimits
{
    [Description("Samples per scrape after relabeling. 0: no limit.")]
    [Bounds(0, 100_000_000)]
    public int SampleLimit { get; set; }

    [Description("Size of an uncompressed scrape response. Absent: no limit.")]
    [Pattern(Quantity.Pattern)]
    [Bounds(1, 32)]
    public string? BodySizeLimit { get; set; }

    [Description("Targets per job. 0: no limit.")]
    [Bounds(0, 1_000_000)]
    public int TargetLimit { get; set; }

    [Description("Labels per sample. 0: no limit.")]
    [Bounds(0, 1_000)]
    public int LabelLimit { get; set; }

    [Description("Length of a label name. 0: no limit.")]
    [Bounds(0, 100_000)]
    public int LabelNameLengthLimit { get; set; }

    [Description("Length of a label value. 0: no limit.")]
    [Bounds(0, 1_000_000)]
    public int LabelValueLengthLimit { get; set; }
}

/// <summary>One rule of relabeling, as in Prometheus' configuration.</summary>
public sealed record RelabelConfig
{
    [Description("Labels whose values are joined by the separator and matched against the regex.")]
    [Bounds(0, 64)]
    public List<string> SourceLabels { get; set; } = [];

    [Description("Text between joined values. Default: \";\".")]
    [Bounds(0, 64)]
    public string? Separator { get; set; }

    [Description("Label that the result is written to.")]
    [Bounds(0, 256)]
    public string? TargetLabel { get; set; }

    [Description("Anchored regular expression (RE2). Default: (.*).")]
    [Bounds(0, 4096)]
    public string? Regex { get; set; }

    [Description("Modulus of the hash of the source labels, for hashmod.")]
    [Bounds(0, long.MaxValue)]
    public long? Modulus { get; set; }

    [Description("Replacement with references such as $1. Default: $1.")]
    [Bounds(0, 4096)]
    public string? Replacement { get; set; }

    [Description("What the rule does. Default: replace.")]
    [AllowedValues("replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase")]
    public string? Action { get; set; }
}

using System.Text.Json.Serialization;

namespace MetricsOperator.Server.Queries;

/// <summary>How often something was asked for, and when last.</summary>
/// <param name="LastAsked">Milliseconds since 1970; 0 for never since tracking began.</param>
/// <param name="Count">How often.</param>
internal readonly record struct Asked(long LastAsked, long Count);

/// <summary>The use of one metric.</summary>
/// <param name="Metric">Its name, or a matcher in braces.</param>
/// <param name="LastAsked">When it was asked for last, in milliseconds since 1970.</param>
/// <param name="Count">How often.</param>
/// <param name="AllLabels">Uses in which every label counted.</param>
/// <param name="Labels">Uses by label.</param>
internal sealed record MetricUsageRow(string Metric, long LastAsked, long Count, Asked AllLabels, IReadOnlyDictionary<string, Asked> Labels);

/// <summary>The use of all metrics: content of <c>metric-usage.json</c>.</summary>
/// <param name="Version">Version of the format.</param>
/// <param name="TrackingSince">Nothing is known of the time before, in milliseconds since 1970.</param>
/// <param name="Forgotten">Metrics and labels forgotten to make room.</param>
/// <param name="ForgottenUntil">A metric or label that is not here may have been asked for up to then, in milliseconds since 1970; 0 when nothing was forgotten.</param>
/// <param name="Metrics">The metrics, last asked first.</param>
internal sealed record MetricUsageReport(int Version, long TrackingSince, long Forgotten, long ForgottenUntil, IReadOnlyList<MetricUsageRow> Metrics)
{
    public const int CurrentVersion = 1;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(MetricUsageReport))]
internal sealed partial class MetricUsageJson : JsonSerializerContext;

using System.Text.RegularExpressions;
using MetricsOperator.Api.V1alpha1;

namespace MetricsOperator.Planning.Scraping;

/// <summary>One regular expression over metric names from several lists.</summary>
public static partial class KeepRegex
{
    /// <summary>Written beside every scrape; queries and alerts about the scrape itself depend on them.</summary>
    private static readonly string[] AlwaysKept = ["scrape_.+", "up"];

    /// <summary>
    /// Matches the union of the lists, the protected metrics and what is always kept. Sorted, so that equal sets give equal text.
    /// Entries that are more than a name are grouped: flags such as <c>(?i)</c> must not leak into their neighbours.
    /// </summary>
    public static string Build(IEnumerable<MetricsKeepList> lists, IEnumerable<string> protectedMetrics) =>
        string.Join('|', lists.SelectMany(l => l.Spec.Metrics)
            .Concat(protectedMetrics)
            .Concat(AlwaysKept)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .Select(m => PlainName().IsMatch(m) || AlwaysKept.Contains(m) ? m : $"(?:{m})"));

    [GeneratedRegex(@"^[a-zA-Z_:][a-zA-Z0-9_:]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainName();
}

using System.Diagnostics.CodeAnalysis;
using MetricsOperator.Timeseries.Relabeling;

namespace MetricsOperator.Server.Scraping;

/// <summary>Compares rules by content, the list of source labels included.</summary>
internal sealed class RelabelRuleComparer : IEqualityComparer<RelabelRule>
{
    public static readonly RelabelRuleComparer Instance = new();

    public bool Equals(RelabelRule? x, RelabelRule? y) => ReferenceEquals(x, y)
        || (x is not null && y is not null
            && x with { SourceLabels = null } == y with { SourceLabels = null }
            && (x.SourceLabels ?? []).SequenceEqual(y.SourceLabels ?? [], StringComparer.Ordinal));

    public int GetHashCode([DisallowNull] RelabelRule obj) => HashCode.Combine(obj.Action, obj.Regex, obj.TargetLabel);
}

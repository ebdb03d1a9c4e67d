namespace MetricsOperator.Timeseries.Relabeling;

/// <summary>What a relabel rule does with a match.</summary>
public enum RelabelAction : byte
{
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

/// <summary>One entry of relabel_configs, with Prometheus' defaults.</summary>
/// <param name="Action">What to do.</param>
/// <param name="SourceLabels">Labels whose values are joined.</param>
/// <param name="Separator">Between the joined values.</param>
/// <param name="Regex">RE2, anchored at both ends.</param>
/// <param name="TargetLabel">The label to set; may hold <c>$1</c> references for replace.</param>
/// <param name="Replacement">The new value, with <c>$1</c>, <c>${name}</c>, <c>$$</c>.</param>
/// <param name="Modulus">For hashmod, at least 1.</param>
public sealed record RelabelRule(
    RelabelAction Action = RelabelAction.Replace,
    IReadOnlyList<string>? SourceLabels = null,
    string Separator = ";",
    string Regex = "(.*)",
    string TargetLabel = "",
    string Replacement = "$1",
    ulong Modulus = 0);

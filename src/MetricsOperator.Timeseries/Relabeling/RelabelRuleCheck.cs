using System.Text;

namespace MetricsOperator.Timeseries.Relabeling;

/// <summary>The rules that relabel rules obey, as Prometheus checks them with UTF-8 names.</summary>
internal static class RelabelRuleCheck
{
    private static readonly RelabelRule Defaults = new();

    /// <exception cref="RelabelException">A field is missing, or set where the action has no use for it.</exception>
    public static void Check(int index, RelabelRule rule)
    {
        var action = NameOf(rule.Action);
        var needsTarget = rule.Action is RelabelAction.Replace or RelabelAction.HashMod or RelabelAction.Lowercase or RelabelAction.Uppercase
            or RelabelAction.KeepEqual or RelabelAction.DropEqual;
        if (needsTarget && rule.TargetLabel.Length == 0)
        {
            throw new RelabelException(index, "target_label", $"relabel configuration for {action} action requires 'target_label' value");
        }

        if (needsTarget && !IsValidUnicode(rule.TargetLabel))
        {
            throw new RelabelException(index, "target_label", $"\"{rule.TargetLabel}\" is invalid 'target_label' for {action} action");
        }

        if (rule.Action == RelabelAction.HashMod && rule.Modulus == 0)
        {
            throw new RelabelException(index, "modulus", "relabel configuration for hashmod requires non-zero modulus");
        }

        if (rule.Action is RelabelAction.Lowercase or RelabelAction.Uppercase && rule.Replacement != Defaults.Replacement)
        {
            throw new RelabelException(index, "replacement", $"'replacement' can not be set for {action} action");
        }

        if (rule.Action == RelabelAction.LabelMap && (rule.Replacement.Length == 0 || !IsValidUnicode(rule.Replacement)))
        {
            throw new RelabelException(index, "replacement", $"\"{rule.Replacement}\" is invalid 'replacement' for {action} action");
        }

        if (rule.Action is RelabelAction.KeepEqual or RelabelAction.DropEqual)
        {
            RefuseOthers(index, rule, $"{action} action requires only 'source_labels' and 'target_label', and no other fields", hasTarget: true);
        }

        if (rule.Action is RelabelAction.LabelDrop or RelabelAction.LabelKeep)
        {
            RefuseOthers(index, rule, $"{action} action requires only 'regex', and no other fields", hasTarget: false);
        }
    }

    private static string NameOf(RelabelAction action) => action switch
    {
        RelabelAction.Replace => "replace",
        RelabelAction.Keep => "keep",
        RelabelAction.Drop => "drop",
        RelabelAction.KeepEqual => "keepequal",
        RelabelAction.DropEqual => "dropequal",
        RelabelAction.HashMod => "hashmod",
        RelabelAction.LabelMap => "labelmap",
        RelabelAction.LabelDrop => "labeldrop",
        RelabelAction.LabelKeep => "labelkeep",
        RelabelAction.Lowercase => "lowercase",
        _ => "uppercase",
    };

    private static void RefuseOthers(int index, RelabelRule rule, string message, bool hasTarget)
    {
        var field = hasTarget && rule.Regex != Defaults.Regex ? "regex"
            : !hasTarget && rule.SourceLabels is { Count: > 0 } ? "source_labels"
            : !hasTarget && rule.TargetLabel.Length > 0 ? "target_label"
            : rule.Modulus != Defaults.Modulus ? "modulus"
            : rule.Separator != Defaults.Separator ? "separator"
            : rule.Replacement != Defaults.Replacement ? "replacement"
            : null;
        if (field is not null)
        {
            throw new RelabelException(index, field, message);
        }
    }

    // Text that came from a file is valid; a lone surrogate can only come from an escape.
    private static bool IsValidUnicode(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune == Rune.ReplacementChar && !text.Contains('\uFFFD'))
            {
                return false;
            }
        }

        return true;
    }
}

using System.Text.Json.Nodes;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Validation;
using MetricsOperator.Timeseries.Relabeling;

namespace MetricsOperator.Planning.Scraping;

/// <summary>Relabel rules of the API as the engine's rules and as Prometheus configuration.</summary>
public static class RelabelRules
{
    /// <summary>Compiles the rules with the engine that will run them and adds what it refuses, with the path of the field.</summary>
    public static void Check(List<FieldError> errors, string path, IReadOnlyList<RelabelConfig> configs)
    {
        for (var i = 0; i < configs.Count; i++)
        {
            if (!TryConvert(configs[i], out var rule))
            {
                errors.Add(new($"{path}[{i}].action", $"got \"{configs[i].Action}\", want one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase"));
                continue;
            }

            try
            {
                _ = new RelabelProgram([rule]);
            }
            catch (RelabelException e)
            {
                errors.Add(new($"{path}[{i}].{CamelCase(e.Field)}", e.Reason));
            }
        }
    }

    /// <summary>The rules as <c>relabel_configs</c>; values that are the default stay absent.</summary>
    internal static JsonArray Render(IEnumerable<RelabelConfig> configs) => new([.. configs.Select(Render)]);

    /// <summary>A rule that keeps targets or samples whose labels match.</summary>
    internal static RelabelConfig Keep(string regex, params string[] sourceLabels) => new() { Action = "keep", SourceLabels = [.. sourceLabels], Regex = regex };

    /// <summary>A rule that copies a discovered label.</summary>
    internal static RelabelConfig Copy(string from, string to) => new() { SourceLabels = [from], TargetLabel = to };

    private static bool TryConvert(RelabelConfig config, out RelabelRule rule)
    {
        rule = new RelabelRule();
        if (!Enum.TryParse<RelabelAction>(config.Action ?? "replace", ignoreCase: true, out var action) || !Enum.IsDefined(action) || char.IsAsciiDigit((config.Action ?? "r")[0]))
        {
            return false;
        }

        rule = new RelabelRule(
            action,
            config.SourceLabels,
            config.Separator ?? rule.Separator,
            config.Regex ?? rule.Regex,
            config.TargetLabel ?? rule.TargetLabel,
            config.Replacement ?? rule.Replacement,
            (ulong)Math.Max(0, config.Modulus ?? 0));
        return true;
    }

    private static JsonObject Render(RelabelConfig config)
    {
        var json = new JsonObject();
        if (config.SourceLabels.Count > 0)
        {
            json["source_labels"] = new JsonArray([.. config.SourceLabels.Select(l => (JsonNode?)l)]);
        }

        Add(json, "separator", config.Separator);
        Add(json, "regex", config.Regex);
        if (config.Modulus is { } modulus)
        {
            json["modulus"] = modulus;
        }

        Add(json, "target_label", config.TargetLabel);
        Add(json, "replacement", config.Replacement);
        Add(json, "action", config.Action);
        return json;
    }

    private static void Add(JsonObject json, string name, string? value)
    {
        if (value is not null)
        {
            json[name] = value;
        }
    }

    private static string CamelCase(string field)
    {
        var words = field.Split('_');
        return string.Concat(words.Select((w, i) => i == 0 || w.Length == 0 ? w : char.ToUpperInvariant(w[0]) + w[1..]));
    }
}

using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Validation;
using MetricsOperator.Planning.Scraping;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Planning.Validation;

/// <summary>Whether a spec can be used: the rules of the API plus those that need the engine or other objects.</summary>
public static class StackVerdict
{
    /// <summary>All errors with exact field paths; empty when the spec can be rendered.</summary>
    /// <param name="stack">The stack.</param>
    /// <param name="keepLists">Keep-lists of its namespace.</param>
    public static IReadOnlyList<FieldError> Errors(MetricsStack stack, IReadOnlyList<MetricsKeepList> keepLists)
    {
        var errors = StackValidator.Validate(stack);
        var scrape = stack.Spec.Scrape;
        var byName = keepLists.ToDictionary(l => l.Metadata.Name ?? "", StringComparer.Ordinal);
        RelabelRules.Check(errors, "spec.scrape.metricRelabelings", scrape.MetricRelabelings);
        for (var i = 0; i < scrape.ProtectedMetrics.Count; i++)
        {
            CheckRegex(errors, $"spec.scrape.protectedMetrics[{i}]", scrape.ProtectedMetrics[i]);
        }

        CheckKeepLists(errors, "spec.scrape.keepLists", scrape.KeepLists, byName);
        for (var i = 0; i < scrape.Jobs.Count; i++)
        {
            var path = $"spec.scrape.jobs[{i}]";
            RelabelRules.Check(errors, $"{path}.relabelings", scrape.Jobs[i].Relabelings);
            RelabelRules.Check(errors, $"{path}.metricRelabelings", scrape.Jobs[i].MetricRelabelings);
            if (scrape.Jobs[i].KeepList is { } keepList)
            {
                CheckKeepList(errors, $"{path}.keepList", keepList, byName);
            }
        }

        var steps = stack.Spec.Overload.Steps ?? [];
        for (var i = 0; i < steps.Count; i++)
        {
            CheckKeepLists(errors, $"spec.overload.steps[{i}].keepLists", steps[i].KeepLists ?? [], byName);
        }

        PodTemplateCheck.Check(errors, stack.Spec.PodTemplate);
        return errors;
    }

    private static void CheckKeepLists(List<FieldError> errors, string path, IReadOnlyList<string> names, Dictionary<string, MetricsKeepList> byName)
    {
        for (var i = 0; i < names.Count; i++)
        {
            CheckKeepList(errors, $"{path}[{i}]", names[i], byName);
        }
    }

    private static void CheckKeepList(List<FieldError> errors, string path, string name, Dictionary<string, MetricsKeepList> byName)
    {
        if (!byName.TryGetValue(name, out var list))
        {
            errors.Add(new(path, $"cannot find MetricsKeepList \"{name}\" in the namespace of the stack"));
            return;
        }

        for (var i = 0; i < list.Spec.Metrics.Count; i++)
        {
            CheckRegex(errors, $"{path}: MetricsKeepList {name}: spec.metrics[{i}]", list.Spec.Metrics[i]);
        }
    }

    private static void CheckRegex(List<FieldError> errors, string path, string pattern)
    {
        try
        {
            _ = new AnchoredRegex(pattern);
        }
        catch (ArgumentException e)
        {
            errors.Add(new(path, $"cannot read regular expression \"{pattern}\": {e.Message}"));
        }
    }
}

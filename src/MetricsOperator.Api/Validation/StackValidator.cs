using System.Globalization;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Api.Validation;

/// <summary>
/// The rules that a schema cannot say, and those it says, again: the API server may hold objects from an older schema.
/// Relabel rules are compiled by Planning, which knows the engine that runs them.
/// </summary>
public static class StackValidator
{
    private static readonly TimeSpan LongestRaisedInterval = TimeSpan.FromMinutes(2);

    /// <summary>All errors in the order of the fields; empty when the spec can be used.</summary>
    public static List<FieldError> Validate(MetricsStack stack)
    {
        var errors = new List<FieldError>();
        var spec = stack.Spec;
        if (stack.Metadata.Name?.Length > 40)
        {
            // Names of children add a suffix and become label values and host names of 63 characters at most.
            errors.Add(new("metadata.name", $"cannot name children: got {stack.Metadata.Name.Length} characters, want at most 40"));
        }

        CheckRange(errors, "spec.replicas", spec.Replicas, 0, 10);
        CheckLabelNames(errors, "spec.externalLabels", spec.ExternalLabels.Keys);
        CheckStorage(errors, spec.Storage);
        CheckMemory(errors, spec.Memory);
        CheckDuration(errors, "spec.query.timeout", spec.Query.Timeout, out _);
        CheckScrape(errors, spec.Scrape);
        OverloadValidator.Check(errors, spec.Overload);
        return errors;
    }

    internal static bool CheckDuration(List<FieldError> errors, string path, string? text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text is null)
        {
            return false;
        }

        if (!MetricsDuration.TryParse(text, out duration))
        {
            errors.Add(new(path, $"cannot read duration: got \"{text}\", want for example 15s or 1m30s"));
            return false;
        }

        if (duration <= TimeSpan.Zero)
        {
            errors.Add(new(path, $"got {text}, want more than 0s"));
            return false;
        }

        return true;
    }

    internal static void CheckRaisedInterval(List<FieldError> errors, string path, string? text)
    {
        if (CheckDuration(errors, path, text, out var duration) && duration > LongestRaisedInterval)
        {
            errors.Add(new(path, $"got {text}, want at most {MetricsDuration.Format(LongestRaisedInterval)}: a series is gone after 5m without a sample"));
        }
    }

    private static bool CheckQuantity(List<FieldError> errors, string path, string? text, out long bytes)
    {
        bytes = 0;
        if (text is null)
        {
            return false;
        }

        if (!Quantity.TryParseBytes(text, out bytes))
        {
            errors.Add(new(path, $"cannot read quantity: got \"{text}\", want for example 512Mi"));
            return false;
        }

        return true;
    }

    private static void CheckRange(List<FieldError> errors, string path, long value, long min, long max)
    {
        if (value < min || value > max)
        {
            errors.Add(new(path, $"got {value.ToString(CultureInfo.InvariantCulture)}, want {min} to {max}"));
        }
    }

    private static void CheckLabelNames(List<FieldError> errors, string path, IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') || name.StartsWith("__", StringComparison.Ordinal))
            {
                errors.Add(new($"{path}.{name}", "cannot be a label name: want letters, digits and _, not starting with a digit or __"));
            }
        }
    }

    private static void CheckStorage(List<FieldError> errors, StorageSpec storage)
    {
        if (CheckQuantity(errors, "spec.storage.size", storage.Size, out var size) && size == 0)
        {
            errors.Add(new("spec.storage.size", "got 0, want more"));
        }

        CheckDuration(errors, "spec.storage.retention.time", storage.Retention.Time, out _);
        if (!storage.Retention.Size.EndsWith('%'))
        {
            CheckQuantity(errors, "spec.storage.retention.size", storage.Retention.Size, out _);
        }
    }

    private static void CheckMemory(List<FieldError> errors, MemorySpec memory)
    {
        if (!CheckQuantity(errors, "spec.memory.budget", memory.Budget, out var budget))
        {
            return;
        }

        if (budget < Quantity.ParseBytes(MemorySpec.SmallestBudget))
        {
            errors.Add(new("spec.memory.budget", $"got {memory.Budget}, want at least {MemorySpec.SmallestBudget}"));
        }

        if (CheckQuantity(errors, "spec.memory.max", memory.Max, out var max) && max < budget)
        {
            errors.Add(new("spec.memory.max", $"got {memory.Max}, want at least the budget, {memory.Budget}"));
        }

        if (CheckQuantity(errors, "spec.memory.request", memory.Request, out var request) && request > budget)
        {
            errors.Add(new("spec.memory.request", $"got {memory.Request}, want at most the budget, {memory.Budget}"));
        }
    }

    private static void CheckScrape(List<FieldError> errors, ScrapeSpec scrape)
    {
        CheckDuration(errors, "spec.scrape.interval", scrape.Interval, out var interval);
        if (CheckDuration(errors, "spec.scrape.timeout", scrape.Timeout, out var timeout) && interval > TimeSpan.Zero && timeout > interval)
        {
            errors.Add(new("spec.scrape.timeout", $"got {scrape.Timeout}, want at most the interval, {scrape.Interval}"));
        }

        CheckDuration(errors, "spec.scrape.minInterval", scrape.MinInterval, out _);
        CheckQuantity(errors, "spec.scrape.limits.bodySizeLimit", scrape.Limits.BodySizeLimit, out _);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < scrape.Jobs.Count; i++)
        {
            var path = $"spec.scrape.jobs[{i}]";
            if (!names.Add(scrape.Jobs[i].Name))
            {
                errors.Add(new($"{path}.name", $"got \"{scrape.Jobs[i].Name}\" a second time, want each name once"));
            }

            JobValidator.Check(errors, path, scrape.Jobs[i], interval);
        }
    }
}

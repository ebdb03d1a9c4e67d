using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Api.Validation;

/// <summary>The rules of the overload policy.</summary>
internal static class OverloadValidator
{
    public static void Check(List<FieldError> errors, OverloadSpec overload)
    {
        if (!MetricsDuration.TryParse(overload.Cooldown, out _))
        {
            errors.Add(new("spec.overload.cooldown", $"cannot read duration: got \"{overload.Cooldown}\", want for example 5m"));
        }

        StackValidator.CheckDuration(errors, "spec.overload.relax.after", overload.Relax.After, out _);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < overload.Steps?.Count; i++)
        {
            var step = overload.Steps[i];
            var path = $"spec.overload.steps[{i}]";
            if (!names.Add(step.Name))
            {
                errors.Add(new($"{path}.name", $"got {step.Name} a second time, want each step once"));
            }

            if (step.Name is not (OverloadStep.RaiseInterval or OverloadStep.ApplyKeepLists))
            {
                errors.Add(new($"{path}.name", $"got \"{step.Name}\", want {OverloadStep.RaiseInterval} or {OverloadStep.ApplyKeepLists}"));
            }

            if (step.Name != OverloadStep.RaiseInterval && (step.MaxInterval ?? (object?)step.Factor) is not null)
            {
                errors.Add(new(path, $"has maxInterval or factor, which only {OverloadStep.RaiseInterval} knows"));
            }

            if (step.Name != OverloadStep.ApplyKeepLists && step.KeepLists is not null)
            {
                errors.Add(new($"{path}.keepLists", $"is only for {OverloadStep.ApplyKeepLists}"));
            }

            StackValidator.CheckRaisedInterval(errors, $"{path}.maxInterval", step.MaxInterval);
        }
    }
}

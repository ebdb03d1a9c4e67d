namespace MetricsOperator.Api.Validation;

/// <summary>One value that cannot be used.</summary>
/// <param name="Path">Where, from the root of the object: <c>spec.scrape.jobs[3].metricRelabelings[1].regex</c>.</param>
/// <param name="Message">What it is and what it should be.</param>
public sealed record FieldError(string Path, string Message)
{
    public override string ToString() => $"{Path}: {Message}";
}

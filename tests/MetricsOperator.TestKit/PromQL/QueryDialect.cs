namespace MetricsOperator.TestKit.PromQL;

/// <summary>What random queries may use.</summary>
public sealed record QueryDialect
{
    /// <summary>Everything that the language of Prometheus 3.5 has, experimental functions included.</summary>
    public static readonly QueryDialect Newest = new() { Newer = true, Histograms = true };

    /// <summary>What Prometheus 2.42 knows and answers as later versions do.</summary>
    public static readonly QueryDialect Prometheus242 = new();

    /// <summary>Functions, aggregators and notations that came after Prometheus 2.42.</summary>
    public bool Newer { get; init; }

    /// <summary>Native histograms are among the data.</summary>
    public bool Histograms { get; init; }
}

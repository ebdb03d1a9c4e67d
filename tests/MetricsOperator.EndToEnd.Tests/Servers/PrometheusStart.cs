namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>What became of a start of Prometheus.</summary>
internal enum PrometheusStart
{
    Ready,
    Ended,

    /// <summary>It lived and was not ready when the time was over.</summary>
    NotReady,
}

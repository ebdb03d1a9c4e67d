using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>How a client talks.</summary>
public sealed record KubeRestClientOptions
{
    /// <summary>Owner of fields in server-side apply unless a call says otherwise.</summary>
    public string FieldManager { get; init; } = "metrics-operator";

    /// <summary>Sustained requests per second; 0 switches the limiter off.</summary>
    public double Qps { get; init; } = 50;

    /// <summary>Requests that may go at once after a pause.</summary>
    public int Burst { get; init; } = 100;

    /// <summary>Limit for one attempt of a request that is no watch and no log.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>More attempts after 429, and for GET after 5xx and broken connections.</summary>
    public int MaxRetries { get; init; } = 4;

    /// <summary>Asked before every write; false throws <see cref="WriteFencedException"/>. Set it to the lease elector's answer so that nothing is written after the lease is lost.</summary>
    public Func<bool>? MayWrite { get; init; }

    public string UserAgent { get; init; } = "metrics-operator/0.1.0";
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>A write was held back because this process may no longer be the leader.</summary>
public sealed class WriteFencedException(string request) : Exception($"cannot {request}: this process does not hold the leader lease");

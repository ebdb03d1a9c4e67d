using System.Diagnostics.Metrics;

namespace MetricsOperator.Server.RemoteWrite;

/// <summary>Figures about received samples and the running total that the termination message reports.</summary>
public sealed class RemoteWriteMetrics : IDisposable
{
    private readonly Meter _meter = new("MetricsOperator.Server");
    private readonly Counter<long> _received;
    private readonly Counter<long> _rejected;
    private long _samples;

    public RemoteWriteMetrics()
    {
        _received = _meter.CreateCounter<long>("prometheus_remote_write_received_samples_total", description: "Total number of samples accepted by the remote write receiver.");
        _rejected = _meter.CreateCounter<long>(
            "prometheus_remote_write_rejected_requests_total", description: "Total number of requests refused or partly refused by the remote write receiver.");
    }

    /// <summary>Samples accepted since the process began.</summary>
    public long Samples => Interlocked.Read(ref _samples);

    public void Accepted(long samples)
    {
        Interlocked.Add(ref _samples, samples);
        _received.Add(samples);
    }

    public void Rejected() => _rejected.Add(1);

    public void Dispose() => _meter.Dispose();
}

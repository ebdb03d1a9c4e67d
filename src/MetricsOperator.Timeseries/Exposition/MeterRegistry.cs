using System.Buffers;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>
/// Collects the meters of this process whose name starts with <c>MetricsOperator</c> and renders them as text 0.0.4, together with
/// <c>process_*</c> and <c>dotnet_*</c> basics. Instruments carry their exposed name (<c>prometheus_tsdb_head_series</c>); tags are labels.
/// </summary>
public sealed class MeterRegistry : IDisposable
{
    /// <summary>Starts to listen; instruments published before and after are both seen.</summary>
    public MeterRegistry()
    {
    }

    /// <summary>Writes all families, sorted by name.</summary>
    public void WriteTo(IBufferWriter<byte> output) => throw new NotImplementedException();

    public void Dispose()
    {
    }
}

using System.Buffers;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>Writes text exposition 0.0.4.</summary>
public readonly struct MetricsTextWriter(IBufferWriter<byte> output)
{
    private readonly IBufferWriter<byte> _output = output;

    /// <summary>Writes <c># HELP</c> and <c># TYPE</c> of a family.</summary>
    public void Family(string name, string type, string help) => throw new NotImplementedException(_output.ToString());

    /// <summary>Writes one sample line; values are escaped.</summary>
    public void Sample(string name, ReadOnlySpan<KeyValuePair<string, string>> labels, double value) => throw new NotImplementedException();
}

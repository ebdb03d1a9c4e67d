using System.Diagnostics.CodeAnalysis;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>The protobuf message of a remote-write body.</summary>
public enum WriteRequestVersion : byte
{
    /// <summary><c>prometheus.WriteRequest</c>.</summary>
    V1,

    /// <summary><c>io.prometheus.write.v2.Request</c>.</summary>
    V2,
}

/// <summary>What <see cref="WriteRequestReader.Next"/> found.</summary>
public enum WriteRequestEntry : byte
{
    /// <summary>The message is read to its end without error.</summary>
    End,

    /// <summary>A series with samples, histograms and exemplars.</summary>
    Series,

    /// <summary>Metadata of a metric family (1.0; in 2.0 it is part of the series).</summary>
    Metadata,

    /// <summary>The message is malformed.</summary>
    Error,
}

/// <summary>
/// Pulls the series of a decompressed remote-write request out of its protobuf bytes. A series is checked as a whole before it is
/// handed out, so a malformed one is an <see cref="WriteRequestEntry.Error"/> and never half read.
/// </summary>
public ref struct WriteRequestReader
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly WriteRequestVersion _version;

    public WriteRequestReader(ReadOnlySpan<byte> body, WriteRequestVersion version = WriteRequestVersion.V1)
    {
        _body = body;
        _version = version;
    }

    /// <summary>After <see cref="WriteRequestEntry.Error"/>: what is wrong.</summary>
    public string ErrorMessage { get; private set; } = string.Empty;

    /// <summary>After <see cref="WriteRequestEntry.Error"/>: where in the message, in bytes.</summary>
    public int ErrorOffset { get; private set; }

    /// <summary>After Metadata: the metric family.</summary>
    public string MetricFamilyName { get; private set; } = string.Empty;

    /// <summary>After Metadata, and after Series of 2.0: what the metric is; null when the series has none.</summary>
    public MetricMetadata? Metadata { get; private set; }

    /// <summary>After Series of 2.0: when the counter started, in milliseconds since 1970; 0 when not known.</summary>
    public long CreatedTimestampMs { get; private set; }

    /// <summary>Goes to the next series or metadata.</summary>
    public WriteRequestEntry Next() => throw new NotImplementedException($"{_body.Length} {_version}");

    /// <summary>Replaces what is in <paramref name="into"/> by the labels of the series.</summary>
    /// <returns>False with a reason when a series may not have these labels: no metric name, a duplicate, an invalid name or value.</returns>
    public bool TryReadLabels(LabelSetBuilder into, [NotNullWhen(false)] out string? problem) => throw new NotImplementedException();

    /// <summary>The next float sample of the series.</summary>
    public bool NextSample(out long timestampMs, out double value) => throw new NotImplementedException();

    /// <summary>The next histogram of the series.</summary>
    /// <param name="timestampMs">Its timestamp.</param>
    /// <param name="histogram">The histogram; null with a <paramref name="problem"/> when it is not a valid one.</param>
    /// <param name="problem">Why the histogram is not valid.</param>
    public bool NextHistogram(out long timestampMs, out FloatHistogram? histogram, out string? problem) => throw new NotImplementedException();

    /// <summary>The next exemplar of the series.</summary>
    public bool NextExemplar([NotNullWhen(true)] out Exemplar? exemplar) => throw new NotImplementedException();
}

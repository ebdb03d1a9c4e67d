using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <content>
/// Series of 1.0 in the shape that every writer sends and nearly every series has: all labels, then float samples, each field once and in
/// order. They are checked in one walk, and their labels need not be read when their bytes are known.
/// </content>
public ref partial struct WriteRequestReader
{
    private const byte LabelTag = (1 << 3) | (byte)WireType.Bytes;
    private const byte SampleTag = (2 << 3) | (byte)WireType.Bytes;
    private const byte LabelNameTag = (1 << 3) | (byte)WireType.Bytes;
    private const byte LabelValueTag = (2 << 3) | (byte)WireType.Bytes;
    private const byte SampleValueTag = (1 << 3) | (byte)WireType.Fixed64;
    private const byte SampleTimeTag = (2 << 3) | (byte)WireType.Varint;

    /// <summary>Reads labels that <see cref="PlainLabels"/> gave; see <see cref="TryReadLabels(LabelSetBuilder, out string?)"/>.</summary>
    public static bool TryReadLabels(ReadOnlySpan<byte> plainLabels, LabelSetBuilder into, [NotNullWhen(false)] out string? problem)
    {
        problem = ReadLabelsV1(plainLabels, 1, into) ?? MissingName(into);
        return problem is null;
    }

    /// <summary>Enters a plain series; false, with nothing changed, when it has another shape or is malformed.</summary>
    private bool TryEnterPlain(ReadOnlySpan<byte> series, int offset)
    {
        var position = 0;
        while (position < series.Length && series[position] == LabelTag)
        {
            position++;
            if (!TrySkipPlainLabel(series, ref position))
            {
                return false;
            }
        }

        var labels = position;
        var newestMs = long.MinValue;
        while (position < series.Length)
        {
            if (!TryReadPlainSample(series, ref position, out var timestampMs, out _))
            {
                return false;
            }

            newestMs = Math.Max(newestMs, timestampMs);
        }

        _series = series;
        _plainSample = labels;
        PlainLabels = series[..labels];
        PlainLabelsOffset = offset;
        PlainNewestMs = newestMs;
        return true;
    }

    private static bool TrySkipPlainLabel(ReadOnlySpan<byte> series, ref int position)
    {
        if (!TryReadEnd(series, ref position, out var end)
            || position >= end || series[position++] != LabelNameTag
            || !TryReadEnd(series, ref position, out var nameEnd) || nameEnd > end)
        {
            return false;
        }

        position = nameEnd;
        if (position == end)
        {
            // An empty value is not written.
            return true;
        }

        if (series[position++] != LabelValueTag || !TryReadEnd(series, ref position, out var valueEnd) || valueEnd != end)
        {
            return false;
        }

        position = end;
        return true;
    }

    private static bool TryReadPlainSample(ReadOnlySpan<byte> series, ref int position, out long timestampMs, out double value)
    {
        (timestampMs, value) = (0, 0);
        if (series[position++] != SampleTag || !TryReadEnd(series, ref position, out var end))
        {
            return false;
        }

        // What is zero is not written.
        if (position < end && series[position] == SampleValueTag)
        {
            if (end - position < 9)
            {
                return false;
            }

            value = BinaryPrimitives.ReadDoubleLittleEndian(series[(position + 1)..]);
            position += 9;
        }

        if (position < end && series[position] == SampleTimeTag)
        {
            position++;
            if (!ProtobufReader.TryReadVarint(series[..end], ref position, out var number))
            {
                return false;
            }

            timestampMs = (long)number;
        }

        return position == end;
    }

    /// <summary>Reads the length of what follows and says where it ends; false when that is outside.</summary>
    private static bool TryReadEnd(ReadOnlySpan<byte> series, ref int position, out int end)
    {
        if (!ProtobufReader.TryReadVarint(series, ref position, out var length) || length > (ulong)(series.Length - position))
        {
            end = 0;
            return false;
        }

        end = position + (int)length;
        return true;
    }
}

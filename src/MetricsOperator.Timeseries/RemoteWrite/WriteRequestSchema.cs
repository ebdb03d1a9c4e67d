namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>The messages of remote write 1.0 and 2.0.</summary>
internal enum WriteMessage : byte
{
    None,
    SeriesV1,
    SeriesV2,
    Label,
    Sample,
    ExemplarV1,
    ExemplarV2,
    Histogram,
    Span,
    MetadataV1,
    MetadataV2,
}

/// <summary>
/// Field numbers and types of the remote-write messages, and a check of whole messages against them, so that what reads a checked message
/// needs no second opinion. Unknown fields are skipped, as protobuf wants it.
/// </summary>
internal static class WriteRequestSchema
{
    /// <summary>Checks a message and all messages in it.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="data">Its bytes.</param>
    /// <param name="offset">Where it starts in the request.</param>
    /// <param name="errorOffset">Where in the request it is wrong.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? Check(WriteMessage kind, ReadOnlySpan<byte> data, int offset, out int errorOffset)
    {
        var fields = new ProtobufReader(data, offset);
        while (fields.Next())
        {
            errorOffset = fields.Offset;
            if (Describe(kind, fields.Field) is not { } want)
            {
                continue;
            }

            if (want.Nested != WriteMessage.None)
            {
                if (fields.Expect(WireType.Bytes) && Check(want.Nested, fields.Bytes, fields.BytesOffset, out errorOffset) is { } error)
                {
                    return error;
                }
            }
            else if (want.Repeated && fields.Wire == WireType.Bytes)
            {
                if (!IsPacked(fields.Bytes, want.Wire))
                {
                    return $"a packed field of {kind} is cut off";
                }
            }
            else
            {
                fields.Expect(want.Wire);
            }
        }

        errorOffset = fields.Offset;
        return fields.Error is { } what ? $"{what} in {kind}" : null;
    }

    private static bool IsPacked(ReadOnlySpan<byte> data, WireType wire)
    {
        if (wire == WireType.Fixed64)
        {
            return data.Length % 8 == 0;
        }

        for (var position = 0; position < data.Length;)
        {
            if (!ProtobufReader.TryReadVarint(data, ref position, out _))
            {
                return false;
            }
        }

        return true;
    }

    private static Shape? Describe(WriteMessage kind, int field) => (kind, field) switch
    {
        (WriteMessage.SeriesV1, 1) => new(WireType.Bytes, WriteMessage.Label),
        (WriteMessage.SeriesV1, 2) => new(WireType.Bytes, WriteMessage.Sample),
        (WriteMessage.SeriesV1, 3) => new(WireType.Bytes, WriteMessage.ExemplarV1),
        (WriteMessage.SeriesV1, 4) => new(WireType.Bytes, WriteMessage.Histogram),
        (WriteMessage.SeriesV2, 1) => new(WireType.Varint, Repeated: true),
        (WriteMessage.SeriesV2, 2) => new(WireType.Bytes, WriteMessage.Sample),
        (WriteMessage.SeriesV2, 3) => new(WireType.Bytes, WriteMessage.Histogram),
        (WriteMessage.SeriesV2, 4) => new(WireType.Bytes, WriteMessage.ExemplarV2),
        (WriteMessage.SeriesV2, 5) => new(WireType.Bytes, WriteMessage.MetadataV2),
        (WriteMessage.SeriesV2, 6) => new(WireType.Varint),
        (WriteMessage.Label, 1 or 2) => new(WireType.Bytes),
        (WriteMessage.Sample, 1) => new(WireType.Fixed64),
        (WriteMessage.Sample, 2 or 3) => new(WireType.Varint),
        (WriteMessage.ExemplarV1, 1) => new(WireType.Bytes, WriteMessage.Label),
        (WriteMessage.ExemplarV2, 1) => new(WireType.Varint, Repeated: true),
        (WriteMessage.ExemplarV1 or WriteMessage.ExemplarV2, 2) => new(WireType.Fixed64),
        (WriteMessage.ExemplarV1 or WriteMessage.ExemplarV2, 3) => new(WireType.Varint),
        (WriteMessage.Histogram, 1 or 4 or 6 or 14 or 15 or 17) => new(WireType.Varint),
        (WriteMessage.Histogram, 2 or 3 or 5 or 7) => new(WireType.Fixed64),
        (WriteMessage.Histogram, 8 or 11) => new(WireType.Bytes, WriteMessage.Span),
        (WriteMessage.Histogram, 9 or 12) => new(WireType.Varint, Repeated: true),
        (WriteMessage.Histogram, 10 or 13 or 16) => new(WireType.Fixed64, Repeated: true),
        (WriteMessage.Span, 1 or 2) => new(WireType.Varint),
        (WriteMessage.MetadataV1, 1) => new(WireType.Varint),
        (WriteMessage.MetadataV1, 2 or 4 or 5) => new(WireType.Bytes),
        (WriteMessage.MetadataV2, 1 or 3 or 4) => new(WireType.Varint),
        _ => null,
    };

    private readonly record struct Shape(WireType Wire, WriteMessage Nested = WriteMessage.None, bool Repeated = false);
}

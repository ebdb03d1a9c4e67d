using System.Text;
using System.Text.Unicode;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.RemoteWrite;

public ref partial struct WriteRequestReader
{
    private static string? ReadLabelsV1(ReadOnlySpan<byte> data, int field, LabelSetBuilder into)
    {
        into.Reset();
        var fields = new ProtobufReader(data);
        while (fields.Next())
        {
            if (fields.Field != field)
            {
                continue;
            }

            var name = ReadOnlySpan<byte>.Empty;
            var value = ReadOnlySpan<byte>.Empty;
            var label = new ProtobufReader(fields.Bytes);
            while (label.Next())
            {
                switch (label.Field)
                {
                    case 1:
                        name = label.Bytes;
                        break;
                    case 2:
                        value = label.Bytes;
                        break;
                }
            }

            if (Add(into, name, value) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private readonly string? ReadLabelsV2(ReadOnlySpan<byte> data, LabelSetBuilder into)
    {
        into.Reset();
        var name = ReadOnlySpan<byte>.Empty;
        var hasName = false;
        var fields = new ProtobufReader(data);
        while (fields.Next())
        {
            if (fields.Field != 1)
            {
                continue;
            }

            // Packed, as writers do it, or one by one.
            var packed = fields.Wire == WireType.Bytes ? fields.Bytes : default;
            var index = fields.Number;
            for (var position = 0; fields.Wire == WireType.Varint || position < packed.Length;)
            {
                if (fields.Wire == WireType.Bytes)
                {
                    ProtobufReader.TryReadVarint(packed, ref position, out index);
                }

                if (!_symbols.TryGet(index, out var symbol))
                {
                    return "a label names a symbol that does not exist";
                }

                if (!hasName)
                {
                    name = symbol;
                }
                else if (Add(into, name, symbol) is { } problem)
                {
                    return problem;
                }

                hasName = !hasName;
                if (fields.Wire == WireType.Varint)
                {
                    break;
                }
            }
        }

        return hasName ? "the last label has no value" : null;
    }

    private static string? Add(LabelSetBuilder into, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.IsEmpty || !Utf8.IsValid(name))
        {
            return $"invalid label name {LabelNames.Quote(Encoding.UTF8.GetString(name))}";
        }

        if (!Utf8.IsValid(value))
        {
            return $"the value of label {LabelNames.Quote(Encoding.UTF8.GetString(name))} is not valid UTF-8";
        }

        if (!into.GetUtf8(name).IsEmpty)
        {
            return $"label name {LabelNames.Quote(Encoding.UTF8.GetString(name))} is not unique";
        }

        into.Set(name, value);
        return null;
    }
}

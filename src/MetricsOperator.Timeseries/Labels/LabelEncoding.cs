namespace MetricsOperator.Timeseries.Labels;

/// <summary>The bytes of a <see cref="LabelSet"/>: per label uvarint length and UTF-8 name, then uvarint length and UTF-8 value.</summary>
internal static class LabelEncoding
{
    public static int SizeOf(int textLength) => UvarintSize((uint)textLength) + textLength;

    public static int Write(Span<byte> destination, ReadOnlySpan<byte> text)
    {
        var length = (uint)text.Length;
        var position = 0;
        while (length >= 0x80)
        {
            destination[position++] = (byte)(length | 0x80);
            length >>= 7;
        }

        destination[position++] = (byte)length;
        text.CopyTo(destination[position..]);
        return position + text.Length;
    }

    public static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> data, scoped ref int position)
    {
        uint length = data[position++];
        if (length >= 0x80)
        {
            length &= 0x7F;
            var shift = 7;
            uint next;
            do
            {
                next = data[position++];
                length |= (next & 0x7F) << shift;
                shift += 7;
            }
            while (next >= 0x80);
        }

        var text = data.Slice(position, (int)length);
        position += (int)length;
        return text;
    }

    /// <summary>As <see cref="Read"/>, for bytes that may be cut short or malformed.</summary>
    public static bool TryRead(ReadOnlySpan<byte> data, scoped ref int position, out ReadOnlySpan<byte> text)
    {
        text = default;
        ulong length = 0;
        for (var shift = 0; ; shift += 7)
        {
            if (shift > 28 || position >= data.Length)
            {
                return false;
            }

            var next = data[position++];
            length |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                break;
            }
        }

        if (length > (ulong)(data.Length - position))
        {
            return false;
        }

        text = data.Slice(position, (int)length);
        position += (int)length;
        return true;
    }

    private static int UvarintSize(uint value)
    {
        var size = 1;
        while (value >= 0x80)
        {
            value >>= 7;
            size++;
        }

        return size;
    }
}

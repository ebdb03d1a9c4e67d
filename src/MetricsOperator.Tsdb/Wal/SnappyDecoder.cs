using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>Decompresses the snappy block format into a reused buffer.</summary>
internal static class SnappyDecoder
{
    /// <summary>Replaces the content of <paramref name="into"/>; false when the bytes are malformed or longer than <paramref name="limit"/>.</summary>
    public static bool Decode(ReadOnlySpan<byte> source, ByteWriter into, int limit)
    {
        into.Clear();
        var header = new ByteReader(source);
        var length = header.Uvarint();

        // One compressed byte stands for less than 64 bytes, so a short input cannot make us allocate much.
        if (header.Failed || length > (ulong)limit || length > (ulong)source.Length * 64)
        {
            return false;
        }

        var target = into.Take((int)length);
        var from = header.Position;
        var to = 0;
        while (from < source.Length)
        {
            var tag = source[from++];
            int count;
            int offset;
            switch (tag & 3)
            {
                case 0:
                    count = (tag >> 2) + 1;
                    if (count > 60)
                    {
                        var bytes = count - 60;
                        if (from + bytes > source.Length)
                        {
                            return false;
                        }

                        count = 0;
                        for (var i = 0; i < bytes; i++)
                        {
                            count |= source[from + i] << (8 * i);
                        }

                        count++;
                        from += bytes;
                    }

                    if (count <= 0 || count > source.Length - from || count > target.Length - to)
                    {
                        return false;
                    }

                    source.Slice(from, count).CopyTo(target[to..]);
                    from += count;
                    to += count;
                    continue;
                case 1:
                    if (from >= source.Length)
                    {
                        return false;
                    }

                    count = ((tag >> 2) & 7) + 4;
                    offset = ((tag >> 5) << 8) | source[from++];
                    break;
                case 2:
                    if (from + 2 > source.Length)
                    {
                        return false;
                    }

                    count = (tag >> 2) + 1;
                    offset = source[from] | (source[from + 1] << 8);
                    from += 2;
                    break;
                default:
                    if (from + 4 > source.Length)
                    {
                        return false;
                    }

                    count = (tag >> 2) + 1;
                    offset = source[from] | (source[from + 1] << 8) | (source[from + 2] << 16) | (source[from + 3] << 24);
                    from += 4;
                    break;
            }

            if (offset <= 0 || offset > to || count > target.Length - to)
            {
                return false;
            }

            if (offset >= count)
            {
                target.Slice(to - offset, count).CopyTo(target[to..]);
            }
            else
            {
                // The copy reads what it writes: a repeated pattern.
                for (var i = 0; i < count; i++)
                {
                    target[to + i] = target[to - offset + i];
                }
            }

            to += count;
        }

        return to == target.Length;
    }
}

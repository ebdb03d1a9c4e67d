namespace MetricsOperator.Tsdb.Tests.Encoders;

/// <summary>Log segments and files of closed head chunks.</summary>
internal static class FileEncoder
{
    private const int Page = 32768;

    /// <summary>A segment; what <paramref name="compress"/> makes of a record is marked with the flag.</summary>
    public static byte[] Segment(IEnumerable<byte[]> records, int flag = 0, Func<byte[], byte[]>? compress = null)
    {
        var file = new List<byte>();
        foreach (var record in records)
        {
            var rest = compress is null ? record : compress(record);
            var isFirst = true;
            do
            {
                var room = Page - (file.Count % Page);
                if (room < 7)
                {
                    file.AddRange(new byte[room]);
                    room = Page;
                }

                var part = rest[..Math.Min(rest.Length, room - 7)];
                rest = rest[part.Length..];
                var kind = (isFirst, rest.Length == 0) switch { (true, true) => 1, (true, false) => 2, (false, false) => 3, _ => 4 };
                file.AddRange(new BitString().U8(kind | flag).Be16(part.Length).Be32(Crc32C(part)).ToBytes());
                file.AddRange(part);
                isFirst = false;
            }
            while (rest.Length > 0);
        }

        return [.. file];
    }

    /// <summary>A file of chunks_head; the encoding byte is written as it is.</summary>
    public static byte[] HeadChunks(params (ulong Series, long MinTime, long MaxTime, int Encoding, byte[] Data)[] chunks)
    {
        var file = new List<byte> { 0x01, 0x30, 0xBC, 0x91, 1, 0, 0, 0 };
        foreach (var (series, minTime, maxTime, encoding, data) in chunks)
        {
            var chunk = new BitString().Be64(series).Be64((ulong)minTime).Be64((ulong)maxTime).U8(encoding)
                .Uvarint((ulong)data.Length).Raw(data).ToBytes();
            file.AddRange(chunk);
            file.AddRange(new BitString().Be32(Crc32C(chunk)).ToBytes());
        }

        // Files are created longer than what they hold.
        file.AddRange(new byte[1000]);
        return [.. file];
    }

    /// <summary>The encodings of the chunks in a file of a block.</summary>
    public static List<int> EncodingsOf(string blockDirectory)
    {
        var found = new List<int>();
        var file = File.ReadAllBytes(Path.Combine(blockDirectory, "chunks", "000001"));
        for (var at = 8; at < file.Length;)
        {
            var length = 0;
            var shift = 0;
            for (; file[at] > 127; shift += 7)
            {
                length |= (file[at++] & 127) << shift;
            }

            length |= file[at++] << shift;
            found.Add(file[at]);
            at += 1 + length + 4;
        }

        return found;
    }

    /// <summary>CRC-32C, bit by bit.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82F63B78 : crc >> 1;
            }
        }

        return ~crc;
    }
}

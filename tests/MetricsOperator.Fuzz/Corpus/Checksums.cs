using System.Buffers.Binary;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Recovery;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>Recomputes the checksums of files as far as their structure can be followed.</summary>
internal static class Checksums
{
    /// <summary>By the path of a file in a data directory.</summary>
    public static void FixFile(string path, Span<byte> content)
    {
        switch (Path.GetFileName(path))
        {
            case "index":
                FixIndex(content);
                break;
            case "tombstones":
                FixTombstones(content);
                break;
            case "meta.json":
                break;
            default:
                if (path.Contains("chunks_head", StringComparison.Ordinal))
                {
                    FixHeadChunks(content);
                }
                else if (path.Contains("chunks", StringComparison.Ordinal))
                {
                    FixChunkSegment(content);
                }
                else
                {
                    FixSegment(content);
                }

                break;
        }
    }

    public static void FixHeadState(Span<byte> state)
    {
        var rest = state[Math.Min(HeadStateFormat.Magic.Length, state.Length)..];
        while (rest.Length > HeadStateFormat.BlockHeader)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(rest);
            if (length <= 0 || length > rest.Length - HeadStateFormat.BlockHeader)
            {
                return;
            }

            BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], Crc32C.Of(rest.Slice(HeadStateFormat.BlockHeader, length)));
            rest = rest[(HeadStateFormat.BlockHeader + length)..];
        }
    }

    public static void FixSegment(Span<byte> segment)
    {
        for (var page = segment; !page.IsEmpty; page = page[Math.Min(WalFormat.PageSize, page.Length)..])
        {
            var rest = page[..Math.Min(WalFormat.PageSize, page.Length)];
            while (rest.Length > WalFormat.HeaderSize && (rest[0] & WalFormat.KindMask) != 0)
            {
                var length = BinaryPrimitives.ReadUInt16BigEndian(rest[1..]);
                if (length > rest.Length - WalFormat.HeaderSize)
                {
                    break;
                }

                BinaryPrimitives.WriteUInt32BigEndian(rest[3..], Crc32C.Of(rest.Slice(WalFormat.HeaderSize, length)));
                rest = rest[(WalFormat.HeaderSize + length)..];
            }
        }
    }

    public static void FixChunkSegment(Span<byte> file)
    {
        for (var position = 8; position < file.Length;)
        {
            var reader = new ByteReader(file[position..]);
            var length = reader.Uvarint();
            var start = position + reader.Position;
            if (reader.Failed || length > int.MaxValue / 2 || start + 1 + (int)length + 4 > file.Length)
            {
                return;
            }

            var end = start + 1 + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(file[end..], Crc32C.Of(file[start..end]));
            position = end + 4;
        }
    }

    public static void FixHeadChunks(Span<byte> file)
    {
        for (var position = 8; position < file.Length;)
        {
            var reader = new ByteReader(file[position..]);
            reader.Bytes(25);
            reader.Text();
            var covered = reader.Position;
            reader.Be32();
            if (reader.Failed || (file[position] == 0 && !file.Slice(position, 24).ContainsAnyExcept((byte)0)))
            {
                return;
            }

            BinaryPrimitives.WriteUInt32BigEndian(file[(position + covered)..], Crc32C.Of(file.Slice(position, covered)));
            position += covered + 4;
        }
    }

    public static void FixTombstones(Span<byte> file)
    {
        if (file.Length >= 9)
        {
            BinaryPrimitives.WriteUInt32BigEndian(file[^4..], Crc32C.Of(file[5..^4]));
        }
    }

    public static void FixIndex(Span<byte> file)
    {
        if (file.Length < 57)
        {
            return;
        }

        var toc = file[^52..];
        var symbols = Position(toc, 0, file.Length);
        var series = Position(toc, 1, file.Length);
        var postings = Position(toc, 4, file.Length);
        var table = Position(toc, 5, file.Length);
        FixSection(file, symbols);
        FixSection(file, table);

        // In version 1 series follow one another; later they begin at multiples of 16.
        var alignment = file[4] == 1 ? 1 : 16;
        for (var position = series; position >= 0 && position < file.Length;)
        {
            position = (position + alignment - 1) / alignment * alignment;
            if (position >= Math.Max(postings, series + 1) || position >= file.Length)
            {
                break;
            }

            var reader = new ByteReader(file[position..]);
            var length = reader.Uvarint();
            var start = position + reader.Position;
            if (reader.Failed || length > (ulong)(file.Length - start - 4) || start + 4 > file.Length)
            {
                break;
            }

            var end = start + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(file[end..], Crc32C.Of(file[start..end]));
            position = end + 4;
        }

        for (var position = postings; position >= 0 && position < table;)
        {
            position = alignment == 1 ? position : (position + 3) / 4 * 4;
            var next = FixSection(file, position);
            if (next < 0)
            {
                break;
            }

            position = next;
        }

        BinaryPrimitives.WriteUInt32BigEndian(toc[48..], Crc32C.Of(toc[..48]));
    }

    private static int Position(ReadOnlySpan<byte> toc, int number, int end)
    {
        var position = BinaryPrimitives.ReadUInt64BigEndian(toc[(number * 8)..]);
        return position < (ulong)end ? (int)position : -1;
    }

    // Returns where the section ends, or -1.
    private static int FixSection(Span<byte> file, int position)
    {
        if (position < 0 || position + 8 > file.Length)
        {
            return -1;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(file[position..]);
        if (length > file.Length - position - 8)
        {
            return -1;
        }

        var end = position + 4 + (int)length;
        BinaryPrimitives.WriteUInt32BigEndian(file[end..], Crc32C.Of(file[(position + 4)..end]));
        return end + 4;
    }
}

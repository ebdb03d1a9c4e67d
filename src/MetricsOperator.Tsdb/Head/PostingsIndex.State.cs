using System.Buffers.Binary;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Head;

/// <summary>The index as bytes, so that a start need not make it again from the labels of every series.</summary>
internal sealed partial class PostingsIndex
{
    /// <summary>Writes pairs in order of creation: name, value, first series, series in the run at the end, bytes of what is between and these, all
    /// but the last uvarints. Lists only grow, so what is written piece by piece fits together.</summary>
    /// <param name="next">Number of the first pair; moves behind the last that was written.</param>
    /// <param name="end">Pairs and series from these numbers on are left out.</param>
    /// <param name="into">Where to.</param>
    /// <param name="maxBytes">Ends beyond this length.</param>
    public void Write(ref int next, (int Pairs, int Series) end, ByteWriter into, int maxBytes)
    {
        for (; next < end.Pairs && into.Length < maxBytes; next++)
        {
            ref var pair = ref _pairs[next];
            if (pair.Count == 0 || pair.First >= end.Series)
            {
                continue;
            }

            _copied.Clear(MaxCopied);
            var run = CopyBefore(in pair, end.Series);
            into.Uvarint((uint)pair.Name);
            into.Uvarint((uint)pair.Value);
            into.Uvarint((uint)pair.First);
            into.Uvarint((uint)run);
            into.Uvarint((uint)_copied.Length);
            into.Bytes(_copied.Written);
        }
    }

    /// <summary>Makes room for pairs that <see cref="Restore"/> brings; the index is empty.</summary>
    public void Prepare(int pairs) => _index.Clear(pairs);

    /// <summary>Adds pairs that <see cref="Write"/> wrote, and counts the uses of their symbols.</summary>
    /// <param name="content">What was written.</param>
    /// <param name="series">Numbers of series are below this.</param>
    /// <param name="symbols">Has the texts of all names and values.</param>
    /// <param name="sum">Grows by <see cref="LabelOrder.Mix"/> of each label of each series.</param>
    /// <returns>False when it is malformed, and the index is of no use then.</returns>
    public unsafe bool Restore(ReadOnlySpan<byte> content, int series, SymbolTable symbols, ref ulong sum)
    {
        fixed (byte* start = content)
        {
            var at = start;
            var end = start + content.Length;
            while (at < end)
            {
                if (!LabelOrder.Read(ref at, end, out var name) || !LabelOrder.Read(ref at, end, out var value) || !LabelOrder.Read(ref at, end, out var first)
                    || !LabelOrder.Read(ref at, end, out var run) || !LabelOrder.Read(ref at, end, out var length) || length < 0 || length > end - at
                    || RestorePair(name, value, first, run, new(at, length), series) is not { } count || !symbols.TryAcquire(name, count) || !symbols.TryAcquire(value, count))
                {
                    return false;
                }

                at += length;
                sum += (ulong)count * LabelOrder.Mix(name, value);
            }
        }

        return true;
    }

    // Numbers in blocks are always whole, so that blocks put together are one list.
    private unsafe int? RestorePair(int name, int value, int first, int run, ReadOnlySpan<byte> list, int limit)
    {
        if (first < 0 || run < 0 || Find(name, value) >= 0)
        {
            return null;
        }

        var last = (long)first;
        var count = 1L;
        fixed (byte* start = list)
        {
            var at = start;
            for (var end = start + list.Length; at < end;)
            {
                if (!LabelOrder.Read(ref at, end, out var read) || (uint)read >> 1 == 0)
                {
                    return null;
                }

                var number = (uint)read;
                last += number >> 1;
                count += (number & RunFlag) != 0 ? number >> 1 : 1;
            }
        }

        if ((last += run) >= limit)
        {
            return null;
        }

        count += run;
        ref var pair = ref _pairs[AddPair(name, value)];
        (pair.First, pair.Last, pair.Count, pair.Run) = (first, (int)last, (int)count, run);
        for (var left = list; !left.IsEmpty;)
        {
            // A block may not end within a number: one that does not fit whole begins the next.
            var part = left[..Math.Min(left.Length, MaxBlock - BlockHeader)];
            while (part.Length < left.Length && part[^1] >= 0x80)
            {
                part = part[..^1];
            }

            AddBlock(ref pair, part.Length, out var block);
            part.CopyTo(block[BlockHeader..]);
            BinaryPrimitives.WriteUInt16LittleEndian(block[4..], (ushort)(BlockHeader + part.Length));
            left = left[part.Length..];
        }

        return (int)count;
    }

    // Copies the blocks of a list up to a number; what is beyond them is a run, whose length is returned.
    private int CopyBefore(in Pair pair, int limit)
    {
        if (pair.Last < limit)
        {
            for (var handle = pair.Head; handle != 0;)
            {
                ReadOnlySpan<byte> block = arena.Get(handle);
                _copied.Bytes(block[BlockHeader..BinaryPrimitives.ReadUInt16LittleEndian(block[4..])]);
                handle = BinaryPrimitives.ReadInt32LittleEndian(block);
            }

            return pair.Run;
        }

        var series = pair.First;
        for (var handle = pair.Head; handle != 0;)
        {
            ReadOnlySpan<byte> block = arena.Get(handle);
            var used = BinaryPrimitives.ReadUInt16LittleEndian(block[4..]);
            for (var position = BlockHeader; position < used;)
            {
                var number = ReadNumber(block, ref position);
                var next = series + (int)(number >> 1);
                if (next >= limit)
                {
                    return (number & RunFlag) != 0 ? limit - 1 - series : 0;
                }

                _copied.Uvarint(number);
                series = next;
            }

            handle = BinaryPrimitives.ReadInt32LittleEndian(block);
        }

        return Math.Min(pair.Run, limit - 1 - series);
    }
}

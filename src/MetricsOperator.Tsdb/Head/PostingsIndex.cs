using System.Buffers.Binary;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// For each label pair the series that have it, ascending, as differences and runs in chained arena blocks: a series that follows the one
/// before it costs nothing for the labels they share. Series only grow; removal is a new index. Not thread-safe: the head's lock guards it.
/// </summary>
internal sealed partial class PostingsIndex(HeadMemory memory, ByteArena arena)
{
    /// <summary>Handle of the next block and bytes used, at the start of each block.</summary>
    private const int BlockHeader = 6;
    private const int MaxBlock = 512;
    private const int MaxVarint = 5;

    /// <summary>Lowest bit of a number in a block: the others count series that follow one another, or are the difference to the next.</summary>
    private const uint RunFlag = 1;
    private const int RecentPairs = 64;

    /// <summary>Bytes that are kept for copying a list.</summary>
    private const int MaxCopied = 64 * 1024;

    /// <summary>The newest pair of some names: most labels of a series are those of the one before.</summary>
    private readonly (int Name, int Value, int Number)[] _recent = NoRecentPairs();
    private readonly HashIndex _index = new(memory);
    private readonly Dictionary<int, LabelName> _names = [];
    private readonly PagedTable<Pair> _pairs = new(memory, HeadMemoryUse.Postings);
    private readonly ByteWriter _copied = new();

    /// <summary>Distinct label pairs.</summary>
    public int PairCount { get; private set; }

    /// <summary>Symbols of all label names.</summary>
    public IEnumerable<int> Names => _names.Keys;

    /// <summary>Adds a series, whose number must be above all that were added, to the list of a pair.</summary>
    public void Add(int name, int value, int series) => Add(name, value, series, 1);

    /// <summary>Adds series that follow one another to the list of a pair; the first number must be above all that were added to it.</summary>
    public void Add(int name, int value, int first, int count)
    {
        ref var recent = ref _recent[name & (RecentPairs - 1)];
        if (recent.Name != name || recent.Value != value)
        {
            var number = Find(name, value);
            recent = (name, value, number >= 0 ? number : AddPair(name, value));
        }

        ref var pair = ref _pairs[recent.Number];
        if (pair.Count == 0)
        {
            pair.First = first;
            pair.Run = count - 1;
        }
        else if (first - pair.Last == 1)
        {
            pair.Run += count;
        }
        else
        {
            EndRun(ref pair);
            Append(ref pair, (uint)(first - pair.Last) << 1);
            pair.Run = count - 1;
        }

        pair.Last = first + count - 1;
        pair.Count += count;
    }

    /// <summary>Number of a pair, or -1.</summary>
    public int Find(int name, int value)
    {
        var hash = HashOf(name, value);
        for (var position = _index.First(hash); _index.Next(hash, ref position, out var number);)
        {
            if (_pairs[number].Name == name && _pairs[number].Value == value)
            {
                return number;
            }
        }

        return -1;
    }

    /// <summary>Number of series with a pair.</summary>
    public int CountOf(int name, int value)
    {
        var number = Find(name, value);
        return number < 0 ? 0 : _pairs[number].Count;
    }

    /// <summary>Number of series with the pair of a number.</summary>
    public int CountOf(int pair) => _pairs[pair].Count;

    /// <summary>The lowest number of a series with a pair, or -1.</summary>
    public int FirstOf(int name, int value)
    {
        var number = Find(name, value);
        return number < 0 || _pairs[number].Count == 0 ? -1 : _pairs[number].First;
    }

    /// <summary>Adds the series with a pair to the list.</summary>
    public void Read(int name, int value, List<uint> into)
    {
        var number = Find(name, value);
        if (number >= 0)
        {
            Read(in _pairs[number], into);
        }
    }

    /// <summary>Adds the series with the pair of a number to the list.</summary>
    public void Read(int pair, List<uint> into) => Read(in _pairs[pair], into);

    /// <summary>Walks the values of a name: their symbols and how many series have them.</summary>
    public ValueEnumerator ValuesOf(int name) => new(this, _names.TryGetValue(name, out var entry) ? entry.FirstPair : -1);

    /// <summary>Number of distinct values of a name.</summary>
    public int ValueCountOf(int name) => _names.TryGetValue(name, out var entry) ? entry.Values : 0;

    /// <summary>Returns all memory to the arena; the index is empty then.</summary>
    public void Clear()
    {
        for (var i = 0; i < PairCount; i++)
        {
            for (var block = _pairs[i].Head; block != 0;)
            {
                var next = BinaryPrimitives.ReadInt32LittleEndian(arena.Get(block));
                arena.Free(block, HeadMemoryUse.Postings);
                block = next;
            }
        }

        _names.Clear();
        NoRecentPairs().CopyTo(_recent, 0);
        _index.Clear(0);
        _pairs.Trim(0);
        PairCount = 0;
    }

    /// <summary>Forgets everything without giving memory back; to be called when the memory is gone.</summary>
    public void Abandon()
    {
        _index.Abandon();
        _pairs.Abandon();
        _names.Clear();
        PairCount = 0;
    }

    private static (int Name, int Value, int Number)[] NoRecentPairs() => [.. Enumerable.Repeat((-1, -1, -1), RecentPairs)];

    private static uint HashOf(int name, int value)
    {
        var mixed = (((ulong)(uint)name << 32) | (uint)value) * 0x9E3779B97F4A7C15;
        return (uint)(mixed >> 32);
    }

    private int AddPair(int name, int value)
    {
        _pairs.Reserve(PairCount);
        var number = PairCount++;
        if (!_names.TryGetValue(name, out var entry))
        {
            _names[name] = entry = new LabelName();
        }

        _pairs[number] = new Pair { Name = name, Value = value, NextOfName = entry.FirstPair };
        entry.FirstPair = number;
        entry.Values++;
        _index.Add(HashOf(name, value), number);
        return number;
    }

    private void EndRun(ref Pair pair)
    {
        if (pair.Run > 0)
        {
            Append(ref pair, ((uint)pair.Run << 1) | RunFlag);
            pair.Run = 0;
        }
    }

    private void Append(scoped ref Pair pair, uint rest)
    {
        var block = pair.Tail == 0 ? default : arena.Get(pair.Tail);
        var used = pair.Tail == 0 ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(block[4..]);
        if (used + MaxVarint > block.Length)
        {
            // Lists that grow get larger blocks, lists of a few series waste little.
            AddBlock(ref pair, Math.Clamp(block.Length * 2, 16, MaxBlock) - BlockHeader, out block);
            used = BlockHeader;
        }

        while (rest >= 0x80)
        {
            block[used++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        block[used++] = (byte)rest;
        BinaryPrimitives.WriteUInt16LittleEndian(block[4..], (ushort)used);
    }

    private void AddBlock(scoped ref Pair pair, int bytes, out Span<byte> block)
    {
        var next = arena.Allocate(BlockHeader + bytes, HeadMemoryUse.Postings);
        if (pair.Tail == 0)
        {
            pair.Head = next;
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(arena.Get(pair.Tail), next);
        }

        pair.Tail = next;
        block = arena.Get(next);
        BinaryPrimitives.WriteInt32LittleEndian(block, 0);
    }

    private void Read(in Pair pair, List<uint> into)
    {
        if (pair.Count == 0)
        {
            return;
        }

        into.EnsureCapacity(into.Count + pair.Count);
        var series = pair.First;
        into.Add((uint)series);
        for (var handle = pair.Head; handle != 0;)
        {
            ReadOnlySpan<byte> block = arena.Get(handle);
            var used = BinaryPrimitives.ReadUInt16LittleEndian(block[4..]);
            for (var position = BlockHeader; position < used;)
            {
                var number = ReadNumber(block, ref position);
                if ((number & RunFlag) != 0)
                {
                    AddRun(into, ref series, (int)(number >> 1));
                }
                else
                {
                    series += (int)(number >> 1);
                    into.Add((uint)series);
                }
            }

            handle = BinaryPrimitives.ReadInt32LittleEndian(block);
        }

        AddRun(into, ref series, pair.Run);
    }

    private static uint ReadNumber(ReadOnlySpan<byte> block, ref int position)
    {
        uint number = 0;
        var shift = 0;
        byte b;
        do
        {
            b = block[position++];
            number |= (uint)(b & 0x7F) << shift;
            shift += 7;
        }
        while (b >= 0x80);
        return number;
    }

    private static void AddRun(List<uint> into, ref int series, int count)
    {
        for (var end = series + count; series < end;)
        {
            into.Add((uint)++series);
        }
    }

    /// <summary>Walks the values of one label name.</summary>
    public struct ValueEnumerator(PostingsIndex index, int first)
    {
        private int _next = first;

        /// <summary>Symbol of the value.</summary>
        public int Value { get; private set; }

        /// <summary>Number of the pair.</summary>
        public int Pair { get; private set; }

        /// <summary>Series with the value.</summary>
        public int Count { get; private set; }

        public bool MoveNext()
        {
            if (_next < 0)
            {
                return false;
            }

            ref var pair = ref index._pairs[_next];
            Pair = _next;
            Value = pair.Value;
            Count = pair.Count;
            _next = pair.NextOfName;
            return true;
        }
    }

    /// <summary>A class: dictionaries of structs of this project are compiled anew at each start.</summary>
    private sealed class LabelName
    {
        public int FirstPair { get; set; } = -1;

        public int Values { get; set; }
    }

    private struct Pair
    {
        public int Name;
        public int Value;
        public int NextOfName;
        public int Count;
        public int First;
        public int Last;

        /// <summary>Series up to <see cref="Last"/> that follow one another and are in no block yet.</summary>
        public int Run;
        public int Head;
        public int Tail;
    }
}

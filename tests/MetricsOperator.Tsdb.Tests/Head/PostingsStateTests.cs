using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Tests.Head;

/// <summary>An index that is written and read again is the same index, grows like it, and bad bytes are refused.</summary>
public sealed class PostingsStateTests
{
    private const int Names = 6;
    private const int Values = 20;

    [Fact]
    public void Index_that_is_read_again_holds_what_was_written_and_grows_as_before() => SeededRandom.Run(random =>
    {
        using var memory = new HeadMemory();
        var (arena, symbols, index) = Empty(memory);
        var expected = new Dictionary<(int Name, int Value), List<uint>>();
        var series = 0;
        Grow(random, index, expected, ref series, random.Next(6000));
        var end = (Pairs: index.PairCount, Series: series);
        var wanted = expected.ToDictionary(e => e.Key, e => e.Value.ToList());

        // Series and pairs that come while it is written are not in it.
        var written = new List<byte[]>();
        for (var next = 0; next < end.Pairs;)
        {
            var piece = new ByteWriter();
            index.Write(ref next, end, piece, random.Next(2000));
            written.Add(piece.Written.ToArray());
            Grow(random, index, expected, ref series, random.Next(20));
        }

        using var otherMemory = new HeadMemory();
        var (_, otherSymbols, other) = Empty(otherMemory);
        other.Prepare(end.Pairs);
        var sum = 0UL;
        Assert.All(written, piece => Assert.True(other.Restore(piece, end.Series, otherSymbols, ref sum)));
        Assert.Equal(wanted.Aggregate(0UL, (all, e) => all + ((ulong)e.Value.Count * LabelOrder.Mix(e.Key.Name, e.Key.Value))), sum);
        AssertHolds(wanted, other);
        for (var symbol = 0; symbol < Names + Values; symbol++)
        {
            var count = wanted.Where(e => e.Key.Name == symbol || e.Key.Value == symbol).Sum(e => e.Value.Count);
            for (var i = 0; i < count; i++)
            {
                otherSymbols.Release(symbol);
                Assert.True(otherSymbols.IsUsed(symbol));
            }

            otherSymbols.Release(symbol);
            Assert.False(otherSymbols.IsUsed(symbol));
        }

        var later = end.Series;
        Grow(random, other, wanted, ref later, 500);
        AssertHolds(wanted, other);
    });

    [Fact]
    public void Bytes_that_are_no_index_are_refused()
    {
        // Name, value, first series, run, length of the list, list.
        Assert.Equal(1, Restored([0, 7, 5, 0, 0]));
        Assert.Equal(3, Restored([0, 7, 5, 2, 0]));
        Assert.Equal(5, Restored([0, 7, 1, 1, 2, 4, 5]));
        Assert.Equal(-1, Restored([0, 7, 5, 0, 0, 0, 7, 6, 0, 0]));
        Assert.Equal(-1, Restored([0, 7, 10, 0, 0]));
        Assert.Equal(-1, Restored([0, 7, 5, 5, 0]));
        Assert.Equal(-1, Restored([0, 7, 5, 0, 1, 10]));
        Assert.Equal(-1, Restored([0, 7, 5, 0, 1, 0]));
        Assert.Equal(-1, Restored([0, 7, 5, 0, 1, 1]));
        Assert.Equal(-1, Restored([0, 7, 5, 0, 1, 0x80]));
        Assert.Equal(-1, Restored([0, 7, 5, 0, 2, 2]));
        Assert.Equal(-1, Restored([0, 7, 5, 0]));
        Assert.Equal(-1, Restored([0, 99, 5, 0, 0]));
        Assert.Equal(-1, Restored([0, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0]));

        static long Restored(byte[] content)
        {
            using var memory = new HeadMemory();
            var (_, symbols, index) = Empty(memory);
            var sum = 0UL;
            return index.Restore(content, 10, symbols, ref sum) ? index.CountOf(0, 7) : -1;
        }
    }

    private static (ByteArena Arena, SymbolTable Symbols, PostingsIndex Index) Empty(HeadMemory memory)
    {
        var arena = new ByteArena(memory);
        var symbols = new SymbolTable(memory, arena);
        for (var i = 0; i < Names + Values; i++)
        {
            symbols.Acquire([(byte)('a' + i)]);
        }

        return (arena, symbols, new PostingsIndex(memory, arena));
    }

    // Runs and gaps of all lengths, some lists long enough for many blocks.
    private static void Grow(Random random, PostingsIndex index, Dictionary<(int Name, int Value), List<uint>> expected, ref int series, int count)
    {
        for (var end = series + count; series < end; series += random.Next(50) == 0 ? random.Next(100_000) : 1)
        {
            for (var name = 0; name < Names; name++)
            {
                var value = Names + (random.Next(1 << name) == 0 ? random.Next(Values) : 0);
                index.Add(name, value, series);
                expected.TryAdd((name, value), []);
                expected[(name, value)].Add((uint)series);
            }
        }
    }

    private static void AssertHolds(Dictionary<(int Name, int Value), List<uint>> expected, PostingsIndex index)
    {
        Assert.Equal(expected.Count, index.PairCount);
        foreach (var ((name, value), numbers) in expected)
        {
            var read = new List<uint>();
            index.Read(name, value, read);
            Assert.Equal(numbers, read);
            Assert.Equal(numbers.Count, index.CountOf(name, value));
            Assert.Equal((int)numbers[0], index.FirstOf(name, value));
        }

        for (var name = 0; name < Names; name++)
        {
            Assert.Equal(expected.Keys.Count(k => k.Name == name), index.ValueCountOf(name));
        }
    }
}

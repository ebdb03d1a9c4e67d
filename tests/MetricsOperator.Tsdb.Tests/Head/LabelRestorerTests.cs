using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Tests.Head;

/// <summary>Postings that are entered in runs are those that are entered one by one, and hold exactly what was added.</summary>
public sealed class LabelRestorerTests
{
    [Fact]
    public void Runs_enter_what_single_series_enter() => SeededRandom.Run(random =>
    {
        using var memory = new HeadMemory();
        var arena = new ByteArena(memory);
        var symbols = new SymbolTable(memory, arena);
        for (var i = 0; i < 60; i++)
        {
            symbols.Acquire([(byte)('a' + (i / 10)), (byte)('0' + (i % 10))]);
        }

        var (single, runs) = (new PostingsIndex(memory, arena), new PostingsIndex(memory, arena));
        var restorer = new LabelRestorer(symbols, runs);
        var expected = new Dictionary<(int Name, int Value), List<uint>>();
        var uses = new int[60];
        var labels = new List<(int Name, int Value)>();
        for (var series = 0; series < 3000; series += random.Next(10) == 0 ? 2 : 1)
        {
            // Mostly the labels of the series before, sometimes at other places and more or fewer of them: up to more than there are places.
            if (labels.Count == 0 || random.Next(4) == 0)
            {
                labels = [.. Enumerable.Range(0, 1 + random.Next(random.Next(8) == 0 ? 60 : 5)).Select(_ => (random.Next(40), 40 + random.Next(20))).DistinctBy(l => l.Item1).OrderBy(l => l.Item1)];
            }

            var list = new ByteWriter();
            foreach (var (name, value) in labels)
            {
                list.Uvarint((uint)name);
                list.Uvarint((uint)value);
                single.Add(name, value, series);
                uses[name]++;
                uses[value]++;
                expected.TryAdd((name, value), []);
                expected[(name, value)].Add((uint)series);
            }

            Assert.True(restorer.Add(series, list.Written));
        }

        Assert.True(restorer.Finish());
        foreach (var ((name, value), numbers) in expected)
        {
            foreach (var index in new[] { single, runs })
            {
                var read = new List<uint>();
                index.Read(name, value, read);
                Assert.Equal(numbers, read);
                Assert.Equal(numbers.Count, index.CountOf(name, value));
                Assert.Equal((int)numbers[0], index.FirstOf(name, value));
            }
        }

        // A symbol goes with its last use: those of the lists and the one of its creation.
        for (var symbol = 0; symbol < 60; symbol++)
        {
            for (var i = 0; i < uses[symbol]; i++)
            {
                symbols.Release(symbol);
                Assert.True(symbols.IsUsed(symbol));
            }

            symbols.Release(symbol);
            Assert.False(symbols.IsUsed(symbol));
        }
    });

    [Fact]
    public void Symbol_that_is_not_there_is_told()
    {
        using var memory = new HeadMemory();
        var arena = new ByteArena(memory);
        var symbols = new SymbolTable(memory, arena);
        symbols.Acquire("a"u8);
        var restorer = new LabelRestorer(symbols, new PostingsIndex(memory, arena));
        Assert.True(restorer.Add(0, [0, 0]));
        Assert.True(restorer.Add(1, [0, 7]));
        Assert.False(restorer.Finish());
        Assert.False(restorer.Add(2, [0, 0x80]));
        Assert.False(restorer.Add(3, []));
        Assert.False(restorer.Add(4, [0, 0, 0, 0]), "the same name twice");
    }
}

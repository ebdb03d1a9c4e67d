using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Tests.Index;

/// <summary>An index is the same whatever its writer has room for, and the writer's memory does not grow with what it writes as the index does.</summary>
public sealed class IndexWriterTests
{
    [Fact]
    public void Index_is_the_same_however_few_postings_are_sorted_at_once() => SeededRandom.Run(random =>
    {
        using var folder = new TempDir();

        // Names with one value, with few and with one for each series; values that share a part of the count with others.
        var names = random.Next(1, 6);
        var rows = Enumerable.Range(0, random.Next(1, 400))
            .Select(i => Enumerable.Range(0, names).Select(n => (n * 100_000) + (random.Next(8) == 0 ? random.Next(3000) : n == 0 ? i : random.Next(n)) + 1000).ToArray())
            .DistinctBy(r => string.Join(',', r)).OrderBy(r => r, Comparer<int[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b))).ToList();
        var whole = Write(folder["whole"], rows, names, 500_000);
        Assert.Equal(whole, Write(folder["few"], rows, names, random.Next(1, 50)));
        Assert.Equal(whole, Write(folder["one"], rows, names, 1));
    });

    [Fact]
    public void Memory_stays_small_when_every_series_has_a_value_of_its_own()
    {
        const int Series = 300_000;
        using var folder = new TempDir();
        using var writer = new IndexWriter(DiskFiles.Instance, folder["index"]);
        writer.BeginSymbols(Series + 2);
        Span<byte> text = stackalloc byte[8];
        writer.AddSymbol("!name"u8);
        writer.AddSymbol("!other"u8);
        for (var i = 0; i < Series; i++)
        {
            Encoding.UTF8.GetBytes(i.ToString("x8"), text);
            writer.AddSymbol(text);
        }

        writer.EndSymbols();
        for (uint i = 0; i < Series; i++)
        {
            writer.AddSeries([new(0, i + 2), new(1, 2)], [new(0, 1, 8)]);
        }

        // 600,000 postings in 2.4 MB: two names, of which each is more than half of what is sorted at once.
        var before = GC.GetAllocatedBytesForCurrentThread();
        writer.Finish(CancellationToken.None);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 12_000_000);
        using var reader = new IndexReader(folder["index"]);
        Assert.Equal(Series, reader.AllSeries().Count);
        Assert.Equal(Series, reader.PostingsCount(reader.Postings.Find("!other"u8, "00000000"u8)));
        Assert.Equal(1, reader.PostingsCount(reader.Postings.Find("!name"u8, "000493df"u8)));
    }

    private static byte[] Write(string path, List<int[]> rows, int names, int batch)
    {
        var texts = rows.SelectMany(r => r).Concat(Enumerable.Range(0, names)).Distinct().Order().ToList();
        var ordinals = texts.Select((t, i) => (t, i)).ToDictionary(p => p.t, p => (uint)p.i);
        using (var writer = new IndexWriter(DiskFiles.Instance, path) { BatchPostings = batch })
        {
            writer.BeginSymbols((uint)texts.Count);
            texts.ForEach(t => writer.AddSymbol(Encoding.UTF8.GetBytes(t.ToString("d8"))));
            writer.EndSymbols();
            foreach (var row in rows)
            {
                SymbolPair[] labels = [.. row.Select((value, name) => new SymbolPair(ordinals[name], ordinals[value]))];
                writer.AddSeries(labels, [new(0, 1, 8)]);
            }

            writer.Finish(CancellationToken.None);
        }

        return File.ReadAllBytes(path);
    }
}

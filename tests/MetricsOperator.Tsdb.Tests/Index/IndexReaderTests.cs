using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Tests.Index;

public sealed class IndexReaderTests
{
    [Fact]
    public void Version_1_names_symbols_and_series_by_offset_and_has_an_unsorted_table()
    {
        using var folder = new TempDir();
        File.WriteAllBytes(folder["index"], Version1());
        using var index = new IndexReader(folder["index"]);
        var postings = new BlockPostings(index);
        var selected = PostingsSelector.Select(
            postings, [TestDb.Equal("job", "b"), new(MetricsOperator.Timeseries.Labels.MatchType.RegexMatch, "__name__", "u.")], CancellationToken.None);
        var labels = new List<SymbolPair>();
        var chunks = new List<BlockChunk>();
        index.ReadSeries(Assert.Single(selected), labels, chunks);
        Assert.Equal(LabelSet.Of(("__name__", "up"), ("job", "b")), index.LabelSetOf(labels, new ByteWriter()));
        Assert.Equal([new BlockChunk(-5, 10, 8), new BlockChunk(20, 30, 4)], chunks);
        var values = new List<string>();
        index.Postings.ForEachValue("job"u8.ToArray(), (value, _) =>
        {
            values.Add(Encoding.UTF8.GetString(value));
            return true;
        });
        Assert.Equal(["a", "b"], values);
    }

    [Fact]
    public void Many_values_are_found_through_the_samples_of_the_table()
    {
        using var folder = new TempDir();
        using (var writer = new IndexWriter(DiskFiles.Instance, folder["index"]))
        {
            var texts = Enumerable.Range(0, 1000).Select(i => $"v{i:D4}").Prepend("n").Append("é").Append("\U0001F600").ToArray();
            writer.BeginSymbols((uint)texts.Length);
            foreach (var text in texts)
            {
                writer.AddSymbol(Encoding.UTF8.GetBytes(text));
            }

            writer.EndSymbols();
            for (uint i = 1; i < texts.Length; i++)
            {
                writer.AddSeries([new SymbolPair(0, i)], [new BlockChunk(i, i + 1, i * 100)]);
            }

            writer.Finish(CancellationToken.None);
        }

        using var index = new IndexReader(folder["index"]);
        Assert.Equal(1003, index.SymbolCount);
        var found = new List<uint>();
        foreach (var value in new[] { "v0000", "v0031", "v0032", "v0033", "v0999", "é", "\U0001F600" })
        {
            found.Clear();
            index.ReadPostings(index.Postings.Find("n"u8, Encoding.UTF8.GetBytes(value)), found);
            Assert.Equal(value, Encoding.UTF8.GetString(index.ValueOf(Assert.Single(found), "n"u8)));
        }

        foreach (var value in new[] { "", "a", "v", "v0031x", "z" })
        {
            Assert.Equal(0, index.Postings.Find("n"u8, Encoding.UTF8.GetBytes(value)));
        }
    }

    [Fact]
    public void Other_files_are_refused_with_their_path()
    {
        using var folder = new TempDir();
        File.WriteAllText(folder["index"], "not an index, but long enough for everything that an index must have at its end");
        var error = Assert.Throws<StorageException>(() => new IndexReader(folder["index"]));
        Assert.Contains(folder["index"], error.Message, StringComparison.Ordinal);
    }

    private static byte[] Version1()
    {
        var file = new ByteWriter();
        file.Be32(IndexFormat.Magic);
        file.U8(1);
        var symbols = new Dictionary<string, uint>(StringComparer.Ordinal);
        Section(file, body =>
        {
            var texts = new[] { "__name__", "a", "b", "job", "up" };
            body.Be32((uint)texts.Length);
            foreach (var text in texts)
            {
                symbols[text] = (uint)(5 + 4 + body.Length);
                body.Text(Encoding.UTF8.GetBytes(text));
            }
        });
        var seriesStart = file.Length;
        var series = new List<uint>();
        foreach (var job in new[] { "a", "b" })
        {
            series.Add((uint)file.Length);
            var body = new ByteWriter();
            body.Uvarint(2);
            body.Uvarint(symbols["__name__"]);
            body.Uvarint(symbols["up"]);
            body.Uvarint(symbols["job"]);
            body.Uvarint(symbols[job]);
            body.Uvarint(2);
            body.Varint(-5);
            body.Uvarint(15);
            body.Uvarint(8);
            body.Uvarint(10);
            body.Uvarint(10);
            body.Varint(-4);
            file.Uvarint((uint)body.Length);
            file.Bytes(body.Written);
            file.Be32(Crc32C.Of(body.Written));
        }

        var lists = new List<(string Name, string Value, uint[] Series)>
        {
            ("job", "b", [series[1]]), ("__name__", "up", [.. series]), ("job", "a", [series[0]]), ("", "", [.. series]),
        };
        var offsets = new List<int>();
        foreach (var (_, _, ids) in lists)
        {
            offsets.Add(file.Length);
            Section(file, body =>
            {
                body.Be32((uint)ids.Length);
                foreach (var id in ids)
                {
                    body.Be32(id);
                }
            });
        }

        var table = file.Length;
        Section(file, body =>
        {
            body.Be32((uint)lists.Count);
            for (var i = 0; i < lists.Count; i++)
            {
                body.Uvarint(2);
                body.Text(Encoding.UTF8.GetBytes(lists[i].Name));
                body.Text(Encoding.UTF8.GetBytes(lists[i].Value));
                body.Uvarint((uint)offsets[i]);
            }
        });
        var toc = file.Length;
        foreach (var offset in new[] { 5, seriesStart, 0, 0, offsets[0], table })
        {
            file.Be64((ulong)offset);
        }

        file.Be32(Crc32C.Of(file.Written[toc..]));
        return file.Written.ToArray();
    }

    private static void Section(ByteWriter file, Action<ByteWriter> write)
    {
        var body = new ByteWriter();
        write(body);
        file.Be32((uint)body.Length);
        file.Bytes(body.Written);
        file.Be32(Crc32C.Of(body.Written));
    }
}

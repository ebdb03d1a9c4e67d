using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>Valid indexes.</summary>
internal static class IndexSeeds
{
    public static IReadOnlyList<byte[]> All()
    {
        using var folder = new TempDir();
        return
        [
            Index(folder["empty"], 0, 0), Index(folder["one"], 1, 1), Index(folder["ten"], 10, 3), Index(folder["many"], 100, 1), Version1(),
            .. Fixtures.Files("index").Where(f => f.Length < 16 * 1024).Take(1),
        ];
    }

    private static byte[] Index(string path, int series, int chunksEach)
    {
        using (var writer = new IndexWriter(DiskFiles.Instance, path))
        {
            var values = Enumerable.Range(0, series).Select(i => $"v{i:D3}");
            string[] texts = series == 0 ? [] : ["__name__", "instance", "job", "up", .. values];
            writer.BeginSymbols((uint)texts.Length);
            foreach (var text in texts)
            {
                writer.AddSymbol(Encoding.UTF8.GetBytes(text));
            }

            writer.EndSymbols();
            for (var i = 0; i < series; i++)
            {
                var chunks = Enumerable.Range(0, chunksEach).Select(c => new BlockChunk(c * 1000, (c * 1000) + 900, (ulong)((i * 1000) + (c * 100) + 8)));
                writer.AddSeries([new(0, 3), new(1, (uint)(4 + i)), new(2, (uint)(4 + (i % 3 % Math.Max(1, series))))], chunks.ToArray());
            }

            writer.Finish(CancellationToken.None);
        }

        return File.ReadAllBytes(path);
    }

    private static byte[] Version1()
    {
        var file = new ByteWriter();
        file.Be32(IndexFormat.Magic);
        file.U8(1);
        Section(file, body =>
        {
            body.Be32(4);
            body.Text("__name__"u8);
            body.Text("job"u8);
            body.Text("up"u8);
            body.Text("x"u8);
        });
        var series = file.Length;
        var entry = new ByteWriter();
        foreach (var number in new ulong[] { 2, 13, 26, 22, 29, 1 })
        {
            entry.Uvarint(number);
        }

        entry.Varint(-5);
        entry.Uvarint(15);
        entry.Uvarint(8);
        file.Uvarint((uint)entry.Length);
        file.Bytes(entry.Written);
        file.Be32(Crc32C.Of(entry.Written));
        var postings = file.Length;
        Section(file, body =>
        {
            body.Be32(1);
            body.Be32((uint)series);
        });
        var table = file.Length;
        Section(file, body =>
        {
            body.Be32(2);
            foreach (var (name, value) in new[] { ("job", "x"), (string.Empty, string.Empty) })
            {
                body.Uvarint(2);
                body.Text(Encoding.UTF8.GetBytes(name));
                body.Text(Encoding.UTF8.GetBytes(value));
                body.Uvarint((uint)postings);
            }
        });
        var toc = file.Length;
        foreach (var offset in new[] { 5, series, 0, 0, postings, table })
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

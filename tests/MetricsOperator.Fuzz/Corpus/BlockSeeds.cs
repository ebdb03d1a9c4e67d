using System.Text;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>Valid small files of blocks.</summary>
internal static class BlockSeeds
{
    public static IReadOnlyList<byte[]> Metas() =>
    [
        Encoding.UTF8.GetBytes("""
            {"ulid":"01M7ZVGA06DA3826YYG15BG5HG","minTime":1600000000000,"maxTime":1600007200000,"stats":{"numSamples":100,"numFloatSamples":90,
            "numHistogramSamples":10,"numSeries":5,"numChunks":6,"numTombstones":1},"compaction":{"level":2,"sources":["01M7ZV9N43N0TJG2RPRPESGZ3A"],
            "parents":[{"ulid":"01M7ZV9N43N0TJG2RPRPESGZ3A","minTime":1,"maxTime":2}],"hints":["from-out-of-order"],"deletable":true,"failed":false},"version":1}
            """),
        """{"ulid":"01M7ZVGA06DA3826YYG15BG5HG","minTime":0,"maxTime":1,"version":1}"""u8.ToArray(),
        .. Fixtures.Files("meta.json"),
    ];

    public static IReadOnlyList<byte[]> Tombstones()
    {
        var files = new List<byte[]>();
        foreach (var count in new[] { 0, 1, 20 })
        {
            var stones = new ByteWriter();
            for (var i = 0; i < count; i++)
            {
                stones.Uvarint((ulong)(i * 100));
                stones.Varint(1_600_000_000_000 + i);
                stones.Varint(1_600_000_100_000 + i);
            }

            var file = new ByteWriter();
            file.Be32(0x0130BA30);
            file.U8(1);
            file.Bytes(stones.Written);
            file.Be32(Crc32C.Of(stones.Written));
            files.Add(file.Written.ToArray());
        }

        return files;
    }
}

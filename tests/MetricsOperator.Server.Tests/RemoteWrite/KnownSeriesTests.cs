using System.Text;
using MetricsOperator.Server.RemoteWrite;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Server.Tests.RemoteWrite;

/// <summary>What is remembered about series, for how long and in how much memory.</summary>
public sealed class KnownSeriesTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Series_are_found_by_their_labels_and_can_become_others()
    {
        var known = new KnownSeries(_time);
        Assert.Equal(0UL, Find(known, 1));
        for (var i = 1; i <= 10_000; i++)
        {
            known.Remember(Key(i), new SeriesRef((ulong)i));
        }

        Assert.Equal(10_000, known.Count);
        for (var i = 1; i <= 10_000; i++)
        {
            Assert.Equal((ulong)i, Find(known, i));
        }

        Assert.Equal(0UL, Find(known, 10_001));
        known.Remember(Key(5), new SeriesRef(77));
        Assert.Equal(77UL, Find(known, 5));
        Assert.Equal(10_000, known.Count);
    }

    [Fact]
    public void Series_that_nobody_writes_to_are_forgotten_and_their_memory_with_them()
    {
        var known = new KnownSeries(_time);
        for (var i = 1; i <= 10_000; i++)
        {
            known.Remember(Key(i), new SeriesRef((ulong)i));
        }

        var bytes = known.Bytes;
        for (var minutes = 0; minutes < 30; minutes++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(1UL, Find(known, 1));
        }

        Assert.Equal(1, known.Count);
        Assert.Equal(0UL, Find(known, 2));
        Assert.True(known.Bytes < bytes / 4);
    }

    [Fact]
    public void Memory_is_bounded_and_goes_to_those_that_are_written_to()
    {
        const int MaxBytes = 200_000;
        var known = new KnownSeries(_time, MaxBytes);
        for (var i = 1; i <= 20_000; i++)
        {
            known.Remember(Key(i), new SeriesRef((ulong)i));
        }

        Assert.InRange(known.Bytes, MaxBytes * 9 / 10, MaxBytes);
        Assert.InRange(known.Count, 6000, 8000);
        Assert.Equal(0UL, Find(known, 20_000));

        // A minute later what came first makes room, unless it was written to.
        _time.Advance(TimeSpan.FromMinutes(1));
        known.Remember(Key(20_001), new SeriesRef(20_001));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1UL, Find(known, 1));
        for (var i = 30_000; i < 50_000; i++)
        {
            known.Remember(Key(i), new SeriesRef((ulong)i));
        }

        Assert.Equal(1UL, Find(known, 1));
        Assert.Equal(30_000UL, Find(known, 30_000));
        Assert.InRange(known.Bytes, 1, MaxBytes);
    }

    [Fact]
    public void A_key_depends_on_every_byte_and_on_the_length()
    {
        SeededRandom.Run(random =>
        {
            var keys = new HashSet<LabelsKey>();
            for (var length = 0; length < 200; length++)
            {
                Assert.True(keys.Add(LabelsKey.Of(new byte[length])));
            }

            var data = new byte[random.Next(1, 100)];
            random.NextBytes(data);
            Assert.True(keys.Add(LabelsKey.Of(data)));
            Assert.Equal(LabelsKey.Of(data), LabelsKey.Of([.. data]));
            for (var bit = 0; bit < data.Length * 8; bit++)
            {
                var other = (byte[])data.Clone();
                other[bit / 8] ^= (byte)(1 << (bit % 8));
                var key = LabelsKey.Of(other);
                Assert.True(keys.Add(key));
                Assert.DoesNotContain(keys, k => k != key && (k.First == key.First || k.Second == key.Second));
            }
        });
    }

    private static LabelsKey Key(int i) => LabelsKey.Of(Encoding.UTF8.GetBytes($"series {i}"));

    private static ulong Find(KnownSeries known, int i)
    {
        var found = new SeriesRef[1];
        known.Find([Key(i)], found);
        return found[0].Value;
    }
}

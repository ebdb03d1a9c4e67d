using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Hashing;

namespace MetricsOperator.Timeseries.Tests.Hashing;

public sealed class StableHashTests
{
    // What is written to disks must be found again by later versions.
    [Fact]
    public void Hashes_stay_as_they_are()
    {
        Assert.Equal(0xd8a310150df90781UL, StableHash.Hash64(""u8));
        Assert.Equal(0x720565fe87995187UL, StableHash.Hash64("metricsoperator"u8));
        Assert.Equal(0x65ae833ab0269fabUL, StableHash.Hash64("metricsoperator"u8, seed: 1));
    }

    [Fact]
    public void Two_at_once_are_the_same_as_one_after_the_other() => SeededRandom.Run(random =>
    {
        for (var length = 0; length < 200; length++)
        {
            var data = new byte[length];
            random.NextBytes(data);
            Assert.Equal((StableHash.Hash64(data), StableHash.Hash64(data, seed: 1)), StableHash.Hash128(data));
        }
    });
}

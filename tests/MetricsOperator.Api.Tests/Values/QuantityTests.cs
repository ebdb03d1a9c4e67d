using MetricsOperator.Api.Values;

namespace MetricsOperator.Api.Tests.Values;

public sealed class QuantityTests
{
    [Fact]
    public void Quantities_read_as_bytes()
    {
        void Check(string text, long? want) => Assert.Equal(want, Quantity.TryParseBytes(text, out var bytes) ? bytes : null);
        Check("512Mi", 512L << 20);
        Check("1.5Gi", 1536L << 20);
        Check("1500M", 1_500_000_000);
        Check("1k", 1000);
        Check("7", 7);
        Check("0.1", 1);
        Check("8Ei", null);
        Check("7Ei", 7L << 60);
        Check("-1Mi", null);
        Check("+1", null);
        Check("Mi", null);
        Check("", null);
        Check("1m", null);
        Check("1 Mi", null);
    }

    [Fact]
    public void Description_is_short()
    {
        Assert.Equal("160Mi", Quantity.Describe(160L << 20));
        Assert.Equal("1.5Gi", Quantity.Describe(1536L << 20));
        Assert.Equal("999", Quantity.Describe(999));
    }
}

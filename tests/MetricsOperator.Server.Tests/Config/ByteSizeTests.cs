using MetricsOperator.Server.Config;

namespace MetricsOperator.Server.Tests.Config;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("512B", 512)]
    [InlineData("1KB", 1024)]
    [InlineData("10MiB", 10 << 20)]
    [InlineData("1.5GB", 3L << 29)]
    public void TryParse_reads_powers_of_two(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var actual));
        Assert.Equal(bytes, actual);
    }

    [Theory]
    [InlineData("512")]
    [InlineData("MB")]
    [InlineData("1XB")]
    [InlineData("-1MB")]
    [InlineData("99999999999EB")]
    public void TryParse_refuses_what_has_no_unit_or_no_number(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData("268435456", 256 << 20)]
    [InlineData("256Mi", 256 << 20)]
    [InlineData("256M", 256_000_000)]
    [InlineData("1500k", 1_500_000)]
    [InlineData("1.5Gi", 3L << 29)]
    public void TryParseQuantity_reads_kubernetes_units(string text, long bytes)
    {
        Assert.True(ByteSize.TryParseQuantity(text, out var actual));
        Assert.Equal(bytes, actual);
    }

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(1000, "1000B")]
    [InlineData(10 << 20, "10MiB")]
    [InlineData(1536, "1536B")]
    public void Format_reads_back(long bytes, string text)
    {
        Assert.Equal(text, ByteSize.Format(bytes));
        Assert.True(ByteSize.TryParse(text, out var again));
        Assert.Equal(bytes, again);
    }
}

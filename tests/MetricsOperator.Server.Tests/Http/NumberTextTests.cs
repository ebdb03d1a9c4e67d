using System.Globalization;
using System.Text;
using MetricsOperator.Server.Http;
using MetricsOperator.TestKit;

namespace MetricsOperator.Server.Tests.Http;

public sealed class NumberTextTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(-0.0, "-0")]
    [InlineData(1, "1")]
    [InlineData(-1.5, "-1.5")]
    [InlineData(100, "100")]
    [InlineData(0.1, "0.1")]
    [InlineData(1e-6, "0.000001")]
    [InlineData(1e-7, "1e-07")]
    [InlineData(1.25e-7, "1.25e-07")]
    [InlineData(1e20, "100000000000000000000")]
    [InlineData(1e21, "1e+21")]
    [InlineData(123456789012345678, "123456789012345680")]
    [InlineData(1.7976931348623157e308, "1.7976931348623157e+308")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public void Value_is_written_as_prometheus_does(double value, string text) => Assert.Equal(text, NumberText.Value(value));

    [Fact]
    public void Value_reads_back_to_the_same_bits() => SeededRandom.Run(random =>
    {
        for (var i = 0; i < 20_000; i++)
        {
            var value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            if (double.IsFinite(value))
            {
                Assert.Equal(value, double.Parse(NumberText.Value(value), NumberStyles.Float, CultureInfo.InvariantCulture));
            }
        }
    });

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1435781451000, "1435781451")]
    [InlineData(1500, "1.500")]
    [InlineData(-1001, "-1.001")]
    [InlineData(-1, "-0.001")]
    [InlineData(long.MinValue, "-9223372036854775.808")]
    public void Timestamp_is_seconds_with_no_or_three_decimals(long ms, string text)
    {
        Span<byte> buffer = stackalloc byte[NumberText.MaxLength];
        Assert.Equal(text, Encoding.ASCII.GetString(buffer[..NumberText.WriteTimestamp(buffer, ms)]));
    }
}

using System.Globalization;
using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Timeseries.Tests.Samples;

public sealed class FloatTextTests
{
    [Fact]
    public void Parse_takes_what_a_scrape_takes()
    {
        void Check(string text, double want)
        {
            Assert.True(FloatText.TryParse(Encoding.UTF8.GetBytes(text), out var got), text);
            Assert.Equal(BitConverter.DoubleToUInt64Bits(want), BitConverter.DoubleToUInt64Bits(got));
        }

        Check("0", 0);
        Check("-0", -0.0);
        Check("+1", 1);
        Check("1.", 1);
        Check(".5", 0.5);
        Check("1e3", 1000);
        Check("1E+3", 1000);
        Check("1.7976931348623157e308", double.MaxValue);
        Check("4.9e-324", double.Epsilon);
        Check("1e-400", 0);
        Check("9007199254740993", 9007199254740992);
        Check("123456789012345678901234567890", 1.2345678901234568e29);
        Check("0.1", 0.1);
        Check("1e23", 1e23);
        Check("NaN", StaleMarker.NormalNaN);
        Check("nan", StaleMarker.NormalNaN);
        Check("Inf", double.PositiveInfinity);
        Check("+INFINITY", double.PositiveInfinity);
        Check("-inf", double.NegativeInfinity);
    }

    [Fact]
    public void Parse_refuses_what_a_scrape_refuses()
    {
        void Check(string text) => Assert.False(FloatText.TryParse(Encoding.UTF8.GetBytes(text), out _), text);

        foreach (var text in new[] { "", "+", "-", ".", "e5", "1e", "1e+", " 1", "1 ", "1\0", "1_000", "0x1p4", "0x10", "1p3", "+nan", "-NaN", "infinit", "1e999", "-1e999", "1,5", "1..2", "--1", "∞" })
        {
            Check(text);
        }
    }

    [Fact]
    public void Parse_rounds_correctly_on_every_path()
    {
        SeededRandom.Run(random =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                var value = random.Next(3) switch
                {
                    0 => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)),
                    1 => random.NextInt64(-1_000_000_000_000, 1_000_000_000_000) / 1000.0,
                    _ => random.NextDouble() * Math.Pow(10, random.Next(-25, 25)),
                };
                if (!double.IsFinite(value))
                {
                    continue;
                }

                foreach (var format in new[] { "R", "E16", "E3", "F6" })
                {
                    var text = value.ToString(format, CultureInfo.InvariantCulture);
                    Assert.True(FloatText.TryParse(Encoding.UTF8.GetBytes(text), out var got), text);
                    Assert.Equal(double.Parse(text, CultureInfo.InvariantCulture), got);
                }
            }
        });
    }

    [Fact]
    public void Format_is_that_of_go()
    {
        void Check(double value, string want) => Assert.Equal(want, Format(value));

        Check(0, "0");
        Check(-0.0, "-0");
        Check(1, "1");
        Check(-1.5, "-1.5");
        Check(100000, "100000");
        Check(1000000, "1e+06");
        Check(1234567, "1.234567e+06");
        Check(123456.789, "123456.789");
        Check(0.0001, "0.0001");
        Check(0.00001, "1e-05");
        Check(1e100, "1e+100");
        Check(1.7976931348623157e308, "1.7976931348623157e+308");
        Check(double.Epsilon, "5e-324");
        Check(double.NaN, "NaN");
        Check(double.PositiveInfinity, "+Inf");
        Check(double.NegativeInfinity, "-Inf");
        var text = new byte[FloatText.MaxLength];
        Assert.Equal("5.0", Encoding.UTF8.GetString(text, 0, FloatText.FormatWithPoint(5, text)));
        Assert.Equal("0.005", Encoding.UTF8.GetString(text, 0, FloatText.FormatWithPoint(0.005, text)));
        Assert.Equal("1e+06", Encoding.UTF8.GetString(text, 0, FloatText.FormatWithPoint(1e6, text)));
        Assert.Equal("+Inf", Encoding.UTF8.GetString(text, 0, FloatText.FormatWithPoint(double.PositiveInfinity, text)));
    }

    [Fact]
    public void Format_reads_back_as_the_same_float()
    {
        SeededRandom.Run(random =>
        {
            var text = new byte[FloatText.MaxLength];
            for (var i = 0; i < 20_000; i++)
            {
                var value = i % 2 == 0 ? BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)) : random.Next() / 64.0;
                if (double.IsFinite(value))
                {
                    Assert.True(FloatText.TryParse(text.AsSpan(0, FloatText.Format(value, text)), out var got));
                    Assert.Equal(value, got);
                }
            }
        });
    }

    // The runtime's own shortest form is the twin: the same digits, of all shortest ones the closest. It is wrong for some powers of two, whose lower
    // neighbor is nearer than the upper one: what it gives there reads back as that neighbor.
    [Fact]
    public void Digits_are_the_shortest_and_closest()
    {
        double[] edges =
        [
            double.Epsilon, double.MaxValue, 2.2250738585072014e-308, 2.225073858507201e-308, 1e23, 9.5e22, 5e-324, 1e-323, 9007199254740993, 4503599627370497.5, 9.007199254740991e15,
            1.7976931348623155e308, 4.4501477170144023e-308, 2e-308, 0.1, 0.3, 1.0 / 3, 5e-7, 123456789012345680, 8.41e21, 9.109e-31, 4.9406564584124654e-324,
        ];
        foreach (var value in edges)
        {
            Check(value);
        }

        for (var exponent = -1074; exponent < 1024; exponent++)
        {
            var power = Math.ScaleB(1, exponent);
            Check(power);
            Check(Math.BitIncrement(power));
            Check(Math.BitDecrement(power));
        }

        for (var exponent = -323; exponent <= 308; exponent++)
        {
            var power = double.Parse($"1e{exponent}", CultureInfo.InvariantCulture);
            Check(power);
            Check(Math.BitIncrement(power));
            Check(Math.BitDecrement(power));
        }

        SeededRandom.Run(random =>
        {
            for (var i = 0; i < 200_000; i++)
            {
                Check((i % 3) switch
                {
                    0 => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)),
                    1 => random.NextDouble() * Math.Pow(10, random.Next(-12, 12)),
                    _ => random.Next() / Math.Pow(10, random.Next(10)),
                });
            }
        });

        static void Check(double value)
        {
            value = Math.Abs(value);
            if (value == 0 || !double.IsFinite(value))
            {
                return;
            }

            var (digits, exponent) = ShortestDecimal.Of(value);
            Assert.Equal(value, double.Parse($"{digits}e{exponent}", CultureInfo.InvariantCulture));
            var twin = value.ToString("R", CultureInfo.InvariantCulture);
            if (double.Parse(twin, CultureInfo.InvariantCulture) == value)
            {
                var wanted = twin.Split('E')[0].Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
                Assert.True(wanted == digits.ToString(CultureInfo.InvariantCulture), $"{value:E16}: got {digits}, want {wanted}");
            }
            else
            {
                Assert.True(Math.ILogB(value) is var power && Math.ScaleB(1, power) == value, $"{value:E16}: the twin gives {twin}");
                Assert.NotEqual(value, double.Parse($"{digits / 10}e{exponent + 1}", CultureInfo.InvariantCulture));
                Assert.NotEqual(value, double.Parse($"{(digits / 10) + 1}e{exponent + 1}", CultureInfo.InvariantCulture));
            }
        }
    }

    [Fact]
    public void Power_of_two_that_has_no_shorter_form() => Assert.Equal("4.1045368012983762e-289", Format(Math.ScaleB(1, -958)));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-0.0, "-0")]
    [InlineData(-1.5, "-1.5")]
    [InlineData(100, "100")]
    [InlineData(1e22, "10000000000000000000000")]
    [InlineData(1.25e-7, "0.000000125")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    public void Format_without_exponent(double value, string want)
    {
        var text = new byte[FloatText.MaxPlainLength];
        Assert.Equal(want, Encoding.UTF8.GetString(text, 0, FloatText.FormatPlain(value, text)));
    }

    [Theory]
    [InlineData(-double.Epsilon)]
    [InlineData(-4.9406564584124654e-300)]
    [InlineData(-2.2250738585072014e-308)]
    [InlineData(-1.7976931348623157e308)]
    public void Format_without_exponent_has_room_for_any_float(double value)
    {
        var text = new byte[FloatText.MaxPlainLength];
        Assert.Equal(value, double.Parse(text.AsSpan(0, FloatText.FormatPlain(value, text)), CultureInfo.InvariantCulture));
    }

    internal static string Format(double value)
    {
        var text = new byte[FloatText.MaxLength];
        return Encoding.UTF8.GetString(text, 0, FloatText.Format(value, text));
    }
}

using System.Globalization;
using System.Text.Json;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.TestKit;

namespace MetricsOperator.KubeClient.Tests.Models;

public sealed class ResourceQuantityTests
{
    [Fact]
    public void Text_parsed_and_written_is_canonical()
    {
        static void Check(string text, string want) => Assert.Equal(want, ResourceQuantity.Parse(text).ToString());

        Check("0", "0");
        Check("1", "1");
        Check("32Mi", "32Mi");
        Check("1024Mi", "1Gi");
        Check("1536Mi", "1536Mi");
        Check("1.5Gi", "1536Mi");
        Check("264212084Ki", "264212084Ki");
        Check("100Ki", "100Ki");
        Check("0.5Ki", "512");
        Check("2000m", "2");
        Check("1500m", "1500m");
        Check("1.5", "1500m");
        Check("0.1", "100m");
        Check("100000u", "100m");
        Check("1n", "1n");
        Check("0.5n", "1n");
        Check("1000", "1k");
        Check("12e6", "12e6");
        Check("1E3", "1e3");
        Check("3E", "3E");
        Check("-5M", "-5M");
        Check("+7", "7");
        Check(".5", "500m");
        Check("5.", "5");
        Check("123456789012345678901234567890", "9223372036854775807");
        Check("10000Ei", "9223372036854775807");
        Check("7e28", "9223372036854775807");
    }

    [Fact]
    public void Text_that_is_no_quantity_is_refused()
    {
        foreach (var text in (string[])["", " ", "x", "1x", "1.2.3", "1 Mi", "1KI", "1ki", "1mi", "Mi", "e3", "1e", "1e1.5", "--1", "1Zi"])
        {
            Assert.False(ResourceQuantity.TryParse(text, out _), text);
        }

        var e = Assert.Throws<FormatException>(() => ResourceQuantity.Parse("10 GB"));
        Assert.Contains("\"10 GB\"", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Value_compares_across_suffixes()
    {
        Assert.Equal(ResourceQuantity.Parse("1Gi"), ResourceQuantity.Parse("1073741824"));
        Assert.True(ResourceQuantity.Parse("1G") < ResourceQuantity.Parse("1Gi"));
        Assert.True(ResourceQuantity.Parse("999m") < ResourceQuantity.Parse("1"));
        Assert.Equal(2147483648, ResourceQuantity.Parse("2Gi").ToBytes());
        Assert.Equal(1, ResourceQuantity.Parse("1m").ToBytes());
        Assert.Equal(250, ResourceQuantity.Parse("0.25").ToMillis());
        Assert.Equal("384Mi", ResourceQuantity.FromBytes(384L << 20).ToString());
    }

    [Fact]
    public void Canonical_text_is_exact_and_stable_for_random_values() => SeededRandom.Run(random =>
    {
        string[] suffixes = ["n", "u", "m", "", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "e-2"];
        for (var i = 0; i < 2000; i++)
        {
            var number = decimal.Round((decimal)(random.NextDouble() * Math.Pow(10, random.Next(0, 6))), random.Next(0, 4));
            var text = number.ToString(CultureInfo.InvariantCulture) + suffixes[random.Next(suffixes.Length)];
            var first = ResourceQuantity.Parse(text);
            var again = ResourceQuantity.Parse(first.ToString());
            Assert.True(first == again, $"{text} -> {first} -> {again}");
            Assert.Equal(first.ToString(), again.ToString());
        }
    });

    [Fact]
    public void Json_numbers_and_strings_are_read_and_strings_written()
    {
        var limits = JsonSerializer.Deserialize("""{"spec":{"containers":[{"resources":{"limits":{"cpu":2,"memory":"1.5Gi"}}}]}}""", KubeJsonContext.Default.V1Pod)!
            .Spec!.Containers![0].Resources!.Limits!;
        Assert.Equal(2000, limits["cpu"].ToMillis());
        Assert.Equal("1536Mi", limits["memory"].ToString());
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize("\"1Zi\"", KubeJsonContext.Default.ResourceQuantity));
    }
}

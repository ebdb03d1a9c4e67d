using MetricsOperator.Server.Config;

namespace MetricsOperator.Server.Tests.Config;

public sealed class DurationTextTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("5ms", 5)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("1y2w3d4h5m6s7ms", (((((365L + 14 + 3) * 24) + 4) * 60) + 5) * 60_000 + 6_007)]
    public void Parse_valid_text_gives_milliseconds(string text, long ms) => Assert.Equal(ms, (long)DurationText.Parse(text).TotalMilliseconds);

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.5h")]
    [InlineData("-1s")]
    [InlineData("1s1m")]
    [InlineData("1s1s")]
    [InlineData("s")]
    [InlineData("1 s")]
    [InlineData("999999999y")]
    public void Parse_invalid_text_is_refused(string text) => Assert.False(DurationText.TryParse(text, out _, out _));

    [Theory]
    [InlineData("0", "0s")]
    [InlineData("15d", "15d")]
    [InlineData("7d", "1w")]
    [InlineData("365d", "1y")]
    [InlineData("90m", "1h30m")]
    [InlineData("100y", "100y")]
    [InlineData("1500ms", "1s500ms")]
    public void Format_is_what_prometheus_writes(string text, string formatted) => Assert.Equal(formatted, DurationText.Format(DurationText.Parse(text)));
}

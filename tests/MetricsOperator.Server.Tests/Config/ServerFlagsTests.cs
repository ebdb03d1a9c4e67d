using MetricsOperator.Server.Config;

namespace MetricsOperator.Server.Tests.Config;

public sealed class ServerFlagsTests
{
    [Fact]
    public void Parse_reads_both_notations_and_switches()
    {
        var flags = ServerFlags.Parse(
            "--config.file=/etc/a.yaml", "--storage.tsdb.path", "/data", "--storage.tsdb.retention.time=100y", "--web.enable-lifecycle",
            "--web.listen-address=127.0.0.1:1", "--web.listen-address=127.0.0.1:2", "--enable-feature=a,b", "--enable-feature", "c",
            "--web.remote-write-receiver.accepted-protobuf-messages=prometheus.WriteRequest", "--memory.budget=256Mi", "--no-scrape.adjust-timestamps");
        Assert.Equal("/etc/a.yaml", flags.ConfigFile);
        Assert.Equal("/data", flags.StoragePath);
        Assert.Equal(36500, flags.RetentionTime.TotalDays);
        Assert.True(flags.EnableLifecycle);
        Assert.False(flags.EnableRemoteWriteReceiver);
        Assert.False(flags.AdjustTimestamps);
        Assert.Equal(["127.0.0.1:1", "127.0.0.1:2"], flags.ListenAddresses);
        Assert.Equal(["a", "b", "c"], flags.Features);
        Assert.Equal(["prometheus.WriteRequest"], flags.AcceptedWriteMessages);
        Assert.Equal(256 << 20, flags.MemoryBudget);
        Assert.Equal("true", flags.All["web.enable-lifecycle"]);
        Assert.Equal("2h", flags.All["storage.tsdb.min-block-duration"]);
    }

    [Theory]
    [InlineData("--no-such-flag=1", "--no-such-flag")]
    [InlineData("--query.timeout=abc", "--query.timeout")]
    [InlineData("--query.max-samples=x", "--query.max-samples")]
    [InlineData("--memory.budget=much", "--memory.budget")]
    [InlineData("--storage.tsdb.retention.percentage=101", "--storage.tsdb.retention.percentage")]
    [InlineData("--log.level=loud", "--log.level")]
    public void Parse_names_the_flag_that_is_wrong(string argument, string named) =>
        Assert.Contains(named, Assert.Throws<ArgumentException>(() => ServerFlags.Parse(argument)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("", "")]
    [InlineData("--web.route-prefix=/x/", "/x")]
    [InlineData("--web.external-url=http://h/p", "/p")]
    public void Route_prefix_comes_from_flag_or_external_url(string argument, string prefix) =>
        Assert.Equal(prefix, (argument.Length == 0 ? ServerFlags.Parse() : ServerFlags.Parse(argument)).RoutePrefix);
}

using MetricsOperator.Server.Tests.Hosting;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.RemoteWrite;

/// <summary>What a request is answered with, by version and mistake.</summary>
public sealed class RemoteWriteReceiverTests
{
    private const string V2Type = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    private static readonly LabelSet A = LabelSet.Of(("__name__", "a"), ("l", "1"));
    private static readonly LabelSet B = LabelSet.Of(("__name__", "b"));
    private static readonly LabelSet Nameless = LabelSet.Of(("l", "1"));

    [Fact]
    public async Task Samples_of_both_versions_are_stored()
    {
        await using var server = await RunningServer.StartAsync();
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        Assert.Equal((204, ""), await server.WriteAsync((A, now, 1.5)));
        Assert.Equal((204, "written=1 "), await WriteRequests.SendAsync(server.Client, WriteRequests.V2((B, now, 2)), V2Type));
        Assert.Equal("1.5", await server.ScalarAsync("a{l=\"1\"}"));
        Assert.Equal("2", await server.ScalarAsync("b"));
    }

    [Theory]
    [InlineData("text/plain", "snappy", 415)]
    [InlineData("application/x-protobuf;proto=other.Message", "snappy", 415)]
    [InlineData("application/x-protobuf", "gzip", 415)]
    [InlineData(null, "snappy", 204)]
    public async Task Content_type_and_encoding_are_checked(string? contentType, string encoding, int status)
    {
        await using var server = await RunningServer.StartAsync();
        var message = WriteRequests.V1((A, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), 1));
        Assert.Equal(status, (await WriteRequests.SendAsync(server.Client, message, contentType, encoding)).Status);
    }

    [Fact]
    public async Task Malformed_bodies_are_bad_requests()
    {
        await using var server = await RunningServer.StartAsync();
        Assert.Equal(400, (await WriteRequests.SendAsync(server.Client, [1, 2, 3], compress: false)).Status);
        Assert.Equal(400, (await WriteRequests.SendAsync(server.Client, [10, 200, 1])).Status);
    }

    [Fact]
    public async Task Series_without_a_name_are_dropped_in_version_1_and_reported_in_version_2()
    {
        await using var server = await RunningServer.StartAsync();
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        Assert.Equal(204, (await server.WriteAsync((Nameless, now, 1), (A, now, 1))).Status);
        Assert.Equal("1", await server.ScalarAsync("a"));
        var (status, text) = await WriteRequests.SendAsync(server.Client, WriteRequests.V2((Nameless, now, 1), (B, now, 2)), V2Type);
        Assert.Equal(400, status);
        Assert.StartsWith("written=1 ", text, StringComparison.Ordinal);
        Assert.Equal("2", await server.ScalarAsync("b"));
    }

    [Fact]
    public async Task A_bad_sample_refuses_the_request_in_version_1_and_only_itself_in_version_2()
    {
        await using var server = await RunningServer.StartAsync();
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await server.WriteAsync((A, now, 1));
        var (status, text) = await server.WriteAsync((B, now, 5), (A, now - 60_000, 2));
        Assert.Equal((400, "out of order sample\n"), (status, text));
        Assert.Null(await server.ScalarAsync("b"));
        Assert.Equal((400, "duplicate sample for timestamp\n"), await server.WriteAsync((A, now, 3)));
        Assert.Equal(204, (await server.WriteAsync((A, now, 1))).Status);
        Assert.Equal(400, (await server.WriteAsync((A, now + 3_600_000, 1))).Status);
        (status, text) = await WriteRequests.SendAsync(server.Client, WriteRequests.V2((B, now, 5), (A, now - 60_000, 2)), V2Type);
        Assert.Equal(400, status);
        Assert.StartsWith("written=1 out of order sample for series {", text, StringComparison.Ordinal);
        Assert.Equal("5", await server.ScalarAsync("b"));
    }
}

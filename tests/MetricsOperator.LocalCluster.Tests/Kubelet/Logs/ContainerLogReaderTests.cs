using System.Text;
using MetricsOperator.LocalCluster.Kubelet.Logs;
using MetricsOperator.TestKit;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Logs;

public sealed class ContainerLogReaderTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task WriteAsync_of_a_whole_log_gives_the_plain_lines()
    {
        using var log = new Log();
        await log.WriteAsync("one\ntwo\n");

        Assert.Equal("one\ntwo\n", await log.ReadAsync(new LogQuery()));
    }

    [Fact]
    public async Task WriteAsync_with_tail_gives_the_last_lines()
    {
        using var log = new Log();
        await log.WriteAsync("one\ntwo\nthree\n");

        Assert.Equal("two\nthree\n", await log.ReadAsync(new LogQuery { TailLines = 2 }));
        Assert.Equal("", await log.ReadAsync(new LogQuery { TailLines = 0 }));
    }

    [Fact]
    public async Task WriteAsync_with_timestamps_and_since_filters_and_prefixes()
    {
        using var log = new Log();
        await log.WriteAsync("one\n");
        log.Clock.Advance(TimeSpan.FromSeconds(60));
        await log.WriteAsync("two\n");

        Assert.Equal(
            "2026-01-01T00:01:00.000000000Z two\n",
            await log.ReadAsync(new LogQuery { Timestamps = true, Since = Start + TimeSpan.FromSeconds(30) }));
    }

    [Fact]
    public async Task WriteAsync_with_a_byte_limit_stops_there()
    {
        using var log = new Log();
        await log.WriteAsync("one\ntwo\n");

        Assert.Equal("one\ntw", await log.ReadAsync(new LogQuery { LimitBytes = 6 }));
    }

    [Fact]
    public async Task WriteAsync_of_a_line_longer_than_the_buffer_joins_its_parts()
    {
        using var log = new Log();
        var line = new string('x', 40_000);
        await log.WriteAsync(line + "\n");

        Assert.Equal(line + "\n", await log.ReadAsync(new LogQuery()));
    }

    [Fact]
    public async Task WriteAsync_with_follow_goes_on_until_the_container_has_ended()
    {
        using var log = new Log();
        await log.WriteAsync("one\n");
        var ended = false;
        using var output = new MemoryStream();
        var following = new ContainerLogReader(log.Path, TimeProvider.System).WriteAsync(new LogQuery { Follow = true }, output, () => Volatile.Read(ref ended), CancellationToken.None);

        await log.WriteAsync("two\n");
        Volatile.Write(ref ended, true);
        await following;

        Assert.Equal("one\ntwo\n", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public async Task WriteAsync_after_a_rotation_still_gives_the_older_part()
    {
        using var log = new Log();
        var chunk = string.Concat(Enumerable.Range(0, 1000).Select(i => new string('y', 1000) + "\n"));
        await log.WriteAsync(string.Concat(Enumerable.Repeat(chunk, 11)) + "last\n");

        var text = await log.ReadAsync(new LogQuery());

        Assert.True(File.Exists(log.Path + ".1"));
        Assert.True(new FileInfo(log.Path).Length < ContainerLogWriter.RotateBytes);
        Assert.Equal(11 * chunk.Length + 5, text.Length);
        Assert.EndsWith("last\n", text);
    }

    private sealed class Log : IDisposable
    {
        private readonly TempDir _temp = new();

        public FakeTimeProvider Clock { get; } = new(Start);

        public string Path => _temp["0.log"];

        public async Task WriteAsync(string text)
        {
            await using var writer = new ContainerLogWriter(Path, Clock);
            await writer.CopyAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), "stdout");
        }

        public async Task<string> ReadAsync(LogQuery query)
        {
            using var output = new MemoryStream();
            await new ContainerLogReader(Path, Clock).WriteAsync(query, output, () => true, CancellationToken.None);
            return Encoding.UTF8.GetString(output.ToArray());
        }

        public void Dispose() => _temp.Dispose();
    }
}

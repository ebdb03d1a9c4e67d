using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>A log that is larger than memory, a real kernel limit, and kills at random moments: the server comes up with everything.</summary>
public sealed class RescueTests
{
    private const long Limit = 128L * 1024 * 1024;
    private const int Groups = 10;
    private const int SamplesPerSeries = 3;

    private static readonly int Series = int.Parse(Environment.GetEnvironmentVariable("RESCUE_SERIES") ?? "250000", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Log_larger_than_the_limit_is_rescued_across_kills()
    {
        using var group = MemoryGroup.TryCreate(Limit, out var problem);
        Assert.SkipWhen(group is null && Environment.GetEnvironmentVariable("CI") != "true", problem);
        Assert.NotNull(group);
        using var directory = new TempDir();
        await using var server = new ServerProcess(directory, "global: {scrape_interval: 1m}\n", "--storage.tsdb.retention.time=100y");
        await server.StartAsync();
        var end = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await LoadAsync(server, end);
        server.Kill9();

        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var done = 0.0;
        var kills = 0;
        server.Group = group;
        for (; ; kills++)
        {
            Assert.True(kills < 60, $"not ready after {kills} kills:\n{server.Log}");

            // The first lives are short, so that something is interrupted on any machine.
            server.Begin();
            if (await server.IsReadyWithinAsync(TimeSpan.FromSeconds(1.5 + kills + (random.NextDouble() * 3))))
            {
                break;
            }

            server.Kill9();
            var now = ShareDone(server.DataDirectory);
            Assert.True(now >= done, $"{now:P0} of the parts are done, {done:P0} were before:\n{server.Log}");
            done = now;
        }

        Assert.Contains("replayed in", server.Log, StringComparison.Ordinal);
        Assert.True(kills > 0, "nothing was interrupted");
        Assert.Equal(0, group.Kills);
        for (var part = 0; part < Groups; part++)
        {
            var query = $"sum(count_over_time(rescue_test{{part=\"{part}\"}}[1h]))";
            var data = await server.GetDataAsync($"api/v1/query?query={Uri.EscapeDataString(query)}&time={(end / 1000.0).ToString("F3", CultureInfo.InvariantCulture)}");
            Assert.Equal((Series / Groups * SamplesPerSeries).ToString(CultureInfo.InvariantCulture), data["result"]![0]!["value"]![1]!.GetValue<string>());
        }

        Assert.Equal(0, await server.StopAsync());
    }

    private static double ShareDone(string data)
    {
        var path = Path.Combine(data, "rescue.json");
        if (!File.Exists(path))
        {
            return 0;
        }

        var state = JsonNode.Parse(File.ReadAllText(path))!;
        return (double)state["done"]!.AsArray().Count / state["partitions"]!.GetValue<int>();
    }

    private static async Task LoadAsync(ServerProcess server, long endMs)
    {
        const int Batch = 5000;
        for (var first = 0; first < Series; first += Batch)
        {
            var writer = new WriteRequestWriter();
            for (var i = first; i < Math.Min(first + Batch, Series); i++)
            {
                writer.StartSeries(LabelSet.Of(
                    ("__name__", "rescue_test"), ("container", "app"), ("instance", $"10.0.{i / 250 % 250}.{i % 250}:8080"), ("job", "rescue"),
                    ("part", (i % Groups).ToString(CultureInfo.InvariantCulture)), ("pod", $"app-{i / 100:x8}"), ("session", $"{i:x16}")));
                for (var sample = 0; sample < SamplesPerSeries; sample++)
                {
                    writer.Sample(endMs - ((SamplesPerSeries - sample) * 15_000), i + sample);
                }
            }

            using var body = new ByteArrayContent(SnappyBlock.Encode(writer.ToArray()));
            body.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
            body.Headers.ContentEncoding.Add("snappy");
            using var answer = await server.Http.PostAsync("api/v1/write", body);
            Assert.True(answer.IsSuccessStatusCode, $"remote write: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        }
    }
}

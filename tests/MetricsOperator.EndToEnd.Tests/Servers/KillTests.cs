using System.Globalization;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>What was acknowledged survives SIGKILL at any moment.</summary>
public sealed class KillTests
{
    private const int Kills = 20;
    private const int SeriesPerBatch = 50;

    [Fact]
    public async Task Server_killed_at_random_moments_under_load_loses_no_committed_sample()
    {
        using var directory = new TempDir();
        await using var server = new ServerProcess(directory, "global: {scrape_interval: 1m}\n");
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var load = new RemoteWriteLoad(server.Http, SeriesPerBatch);
        for (var kill = 0; kill < Kills; kill++)
        {
            await server.StartAsync();
            await CheckAllAsync(server, load);
            using var stop = new CancellationTokenSource();
            var sending = load.RunAsync(stop.Token);
            await Task.Delay(random.Next(50, 900));
            server.Kill9();
            await sending;
        }

        await server.StartAsync();
        Assert.True(load.Acknowledged.Count > Kills, $"only {load.Acknowledged.Count} batches were acknowledged");
        await CheckAllAsync(server, load);
        Assert.Equal(0, await server.StopAsync());
    }

    private static async Task CheckAllAsync(ServerProcess server, RemoteWriteLoad load)
    {
        if (load.Acknowledged.IsEmpty)
        {
            return;
        }

        var end = load.Acknowledged.Keys.Max() + 1;
        var rangeMs = end - load.Acknowledged.Keys.Min() + 1000;
        var query = string.Create(CultureInfo.InvariantCulture, $"kill_test[{rangeMs}ms]");
        var data = await server.GetDataAsync($"api/v1/query?query={Uri.EscapeDataString(query)}&time={(end / 1000.0).ToString("F3", CultureInfo.InvariantCulture)}");
        var series = data["result"]!.AsArray();
        Assert.Equal(SeriesPerBatch, series.Count);
        foreach (var one in series)
        {
            var number = int.Parse(one!["metric"]!["series"]!.GetValue<string>(), CultureInfo.InvariantCulture);
            var found = one["values"]!.AsArray().ToDictionary(
                v => (long)Math.Round(v![0]!.GetValue<double>() * 1000),
                v => double.Parse(v![1]!.GetValue<string>(), CultureInfo.InvariantCulture));
            var lost = load.Acknowledged.Keys.Where(t => !found.TryGetValue(t, out var value) || value != t + number).ToList();
            Assert.True(lost.Count == 0, $"series {number} lost {lost.Count} of {load.Acknowledged.Count} acknowledged samples, the first at {(lost.Count > 0 ? lost.Min() : 0)}");
        }
    }
}

using System.Text.Json;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Tests.Scraping;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Hosting;

public sealed class ServerHostTests
{
    [Fact]
    public async Task Samples_survive_a_clean_restart()
    {
        using var folder = new TempDir();
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var series = LabelSet.Of(("__name__", "kept"));
        await using (var first = await RunningServer.StartAsync("", folder))
        {
            Assert.Equal(204, (await first.WriteAsync((series, now, 42))).Status);
        }

        await using var second = await RunningServer.StartAsync("", folder);
        Assert.Equal("42", await second.ScalarAsync("kept"));
    }

    [Fact]
    public async Task Before_replay_is_done_only_the_process_itself_answers()
    {
        await using var server = RunningServer.Create("", null);
        var answers = new List<(string, int, string)>();
        await server.BeginAsync(() =>
        {
            foreach (var path in new[] { "/-/ready", "/-/healthy", "/api/v1/query?query=1", "/api/v1/status/walreplay", "/api/v1/status/runtimeinfo" })
            {
                var (status, text) = server.TextAsync(HttpMethod.Get, path).GetAwaiter().GetResult();
                answers.Add((path, status, text));
            }
        });
        Assert.Equal([503, 200, 503, 200, 200], answers.Select(a => a.Item2));

        // The directory is read at the same time, so how far that is cannot be said.
        Assert.Matches(@"^Service Unavailable: replaying the write-ahead log, \d+\.\d% done(, about \d+ s left)?\n$", answers[0].Item3);
        Assert.Equal("Service Unavailable\n", answers[2].Item3);
        Assert.Contains("\"phase\":\"replay\"", answers[4].Item3, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tightened_keep_rules_reach_what_the_log_holds()
    {
        using var folder = new TempDir();
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await using (var first = await RunningServer.StartAsync("", folder))
        {
            await first.WriteAsync(
                (LabelSet.Of(("__name__", "wanted"), ("job", "j")), now, 1),
                (LabelSet.Of(("__name__", "noise"), ("job", "j")), now, 2),
                (LabelSet.Of(("__name__", "up"), ("job", "j")), now, 1),
                (LabelSet.Of(("__name__", "noise"), ("job", "other")), now, 3));
        }

        const string Tight = "scrape_configs: [{job_name: j, metric_relabel_configs: [{source_labels: [__name__], regex: wanted, action: keep}]}]";
        await using var second = await RunningServer.StartAsync(Tight, folder);
        Assert.Equal("1", await second.ScalarAsync("wanted"));
        Assert.Equal("1", await second.ScalarAsync("up"));
        Assert.Null(await second.ScalarAsync("noise{job=\"j\"}"));
        Assert.Equal("3", await second.ScalarAsync("noise"));
    }

    [Fact]
    public async Task A_bad_file_leaves_the_last_good_configuration_in_force()
    {
        const string Good = "global: {scrape_interval: 10s}";
        await using var server = await RunningServer.StartAsync(Good);
        server.Configure("global: {scrape_interval: x}");
        var (status, text) = await server.TextAsync(HttpMethod.Post, "/-/reload");
        Assert.Equal(500, status);
        Assert.StartsWith("failed to reload config: server.yaml:1:27: global.scrape_interval: ", text, StringComparison.Ordinal);
        var runtime = (await server.GetAsync("/api/v1/status/runtimeinfo")).GetProperty("data");
        Assert.Contains("not a valid duration", runtime.GetProperty("configError").GetString(), StringComparison.Ordinal);
        Assert.False(runtime.GetProperty("reloadConfigSuccess").GetBoolean());
        Assert.Contains("scrape_interval: 10s", (await server.GetAsync("/api/v1/status/config")).GetProperty("data").GetProperty("yaml").GetString(), StringComparison.Ordinal);
        server.Configure(Good);
        Assert.Equal(200, (await server.TextAsync(HttpMethod.Post, "/-/reload")).Status);
        Assert.Equal("", (await server.GetAsync("/api/v1/status/runtimeinfo")).GetProperty("data").GetProperty("configError").GetString());
    }

    [Fact]
    public async Task A_changed_file_is_loaded_by_itself_and_moves_targets()
    {
        await using var target = await TestTarget.StartAsync();
        await using var server = await RunningServer.StartAsync("", null, "--enable-feature=auto-reload-config", "--config.auto-reload-interval=50ms");
        var config = $"scrape_configs: [{{job_name: j, scrape_interval: 100ms, static_configs: [{{targets: ['{target.Address}']}}]}}]";
        server.Configure(config);
        await Eventually.True(async () => await server.ScalarAsync("up{job=\"j\"}") == "1", "the new job is scraped");
        var hash = (await server.GetAsync("/api/v1/status/runtimeinfo")).GetProperty("data").GetProperty("configHash").GetString();
        Assert.Equal(ConfigFile.Load(server.ConfigPath).Hash, hash);
    }

    [Fact]
    public async Task The_termination_message_follows_the_process_to_its_end()
    {
        using var folder = new TempDir();
        var server = await RunningServer.StartAsync("", folder, "--memory.budget=1Gi");
        var running = JsonDocument.Parse(File.ReadAllText(server.TerminationLog)).RootElement;
        Assert.Equal(("Running", "ready", 1L << 30), (running.GetProperty("class").GetString(), running.GetProperty("phase").GetString(), running.GetProperty("budgetBytes").GetInt64()));
        Assert.InRange(running.GetProperty("rssBytes").GetInt64(), 10L << 20, 4L << 30);
        await server.DisposeAsync();
        Assert.Equal("Stopped", JsonDocument.Parse(File.ReadAllText(folder["termination-log"])).RootElement.GetProperty("class").GetString());
    }

    [Fact]
    public async Task Quit_ends_the_server()
    {
        await using var server = await RunningServer.StartAsync();
        Assert.Equal(200, (await server.TextAsync(HttpMethod.Post, "/-/quit")).Status);
        await server.Completion.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_stop_before_or_during_replay_is_a_clean_end()
    {
        using var folder = new TempDir();
        foreach (var early in new[] { true, false })
        {
            var server = RunningServer.Create("", folder);
            if (early)
            {
                server.Host.Stop();
            }

            await server.BeginAsync(server.Host.Stop);
            await server.Completion.WaitAsync(TimeSpan.FromSeconds(5));
            await server.DisposeAsync();
            Assert.Equal("Stopped", JsonDocument.Parse(File.ReadAllText(folder["termination-log"])).RootElement.GetProperty("class").GetString());
        }
    }

    [Fact]
    public async Task A_data_directory_in_use_is_an_error_of_storage()
    {
        using var folder = new TempDir();
        await using var first = await RunningServer.StartAsync("", folder);
        var second = RunningServer.Create("", folder);

        // The storage may refuse before or after the second server listens.
        await Assert.ThrowsAsync<StorageException>(async () =>
        {
            await second.BeginAsync();
            await second.Completion;
        });
        await Assert.ThrowsAsync<StorageException>(second.StopAsync);
    }

    [Fact]
    public async Task Lifecycle_requests_need_their_flag()
    {
        await using var server = await RunningServer.StartAsync("", null, "--no-web.enable-lifecycle");
        Assert.Equal((403, "Lifecycle API is not enabled.\n"), await server.TextAsync(HttpMethod.Post, "/-/quit"));
    }
}

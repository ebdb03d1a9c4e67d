using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MetricsOperator.Server.Tests.Scraping;
using MetricsOperator.TestKit;

namespace MetricsOperator.Server.Tests.Hosting;

/// <summary>The executable as Kubernetes sees it: arguments, exit codes, last words.</summary>
public sealed class ServerProcessTests
{
    [Fact]
    public async Task Terminate_ends_cleanly_and_conformance_arguments_are_accepted()
    {
        using var folder = new TempDir();
        File.WriteAllText(folder["prometheus.yml"], "global: {scrape_interval: 1m, evaluation_interval: 1m}\n");
        using var process = Start(
            folder, null,
            $"--config.file={folder["prometheus.yml"]}", $"--storage.tsdb.path={folder["tsdb"]}", "--storage.tsdb.retention.time=100y", "--storage.tsdb.min-block-duration=24h",
            "--storage.tsdb.max-block-duration=24h", "--web.listen-address=127.0.0.1:0", "--web.enable-remote-write-receiver",
            "--web.remote-write-receiver.accepted-protobuf-messages=prometheus.WriteRequest",
            "--web.remote-write-receiver.accepted-protobuf-messages=io.prometheus.write.v2.Request",
            "--enable-feature=promql-experimental-functions,promql-duration-expr,promql-delayed-name-removal,native-histograms");
        await Eventually.True(() => LastWords(folder).GetProperty("phase").GetString() == "ready", "the server is ready");
        Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
        Assert.Equal(0, await ExitCodeAsync(process));
        Assert.Equal("Stopped", LastWords(folder).GetProperty("class").GetString());
    }

    [Fact]
    public async Task A_rejected_configuration_ends_with_78()
    {
        using var folder = new TempDir();
        File.WriteAllText(folder["server.yaml"], "bogus: 1\n");
        using var process = Start(folder, null, $"--config.file={folder["server.yaml"]}", "--web.listen-address=127.0.0.1:0");
        Assert.Equal(78, await ExitCodeAsync(process));
        var words = LastWords(folder);
        Assert.Equal("ConfigRejected", words.GetProperty("class").GetString());
        Assert.Contains("server.yaml:1:1: field bogus is not known", words.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_directory_that_cannot_be_made_ends_with_74()
    {
        using var folder = new TempDir();
        File.WriteAllText(folder["server.yaml"], "");
        File.WriteAllText(folder["file"], "");
        using var process = Start(folder, null, $"--config.file={folder["server.yaml"]}", $"--storage.tsdb.path={folder["file"]}/data", "--web.listen-address=127.0.0.1:0");
        Assert.Equal(74, await ExitCodeAsync(process));
        Assert.Equal("Io", LastWords(folder).GetProperty("class").GetString());
    }

    [Fact]
    public async Task An_unknown_flag_is_named_and_ends_with_78()
    {
        using var folder = new TempDir();
        using var process = Start(folder, null, "--no-such-flag");
        Assert.Contains("--no-such-flag", await process.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(78, await ExitCodeAsync(process));
    }

    [Fact]
    public async Task An_exhausted_heap_ends_with_79_and_an_account()
    {
        using var folder = new TempDir();
        await using var target = await TestTarget.StartAsync();
        target.Body = new StringBuilder().Insert(0, "metric_with_a_rather_long_name{label=\"value\"} 1\n", 600_000).ToString();
        File.WriteAllText(folder["server.yaml"], $"scrape_configs: [{{job_name: j, scrape_interval: 1s, static_configs: [{{targets: ['{target.Address}']}}]}}]");
        using var process = Start(
            folder, "0x1800000", $"--config.file={folder["server.yaml"]}", $"--storage.tsdb.path={folder["data"]}", "--web.listen-address=127.0.0.1:0");
        Assert.Equal(79, await ExitCodeAsync(process));
        Assert.Equal(("OutOfMemory", "ready"), (LastWords(folder).GetProperty("class").GetString(), LastWords(folder).GetProperty("phase").GetString()));
    }

    [Fact]
    public async Task Check_config_says_what_the_server_would_say()
    {
        using var folder = new TempDir();
        File.WriteAllText(folder["good.yaml"], "global: {scrape_interval: 5s}");
        File.WriteAllText(folder["bad.yaml"], "global: {scrape_interval: 5}");
        using var good = Start(folder, null, "check-config", folder["good.yaml"]);
        Assert.Equal(0, await ExitCodeAsync(good));
        using var bad = Start(folder, null, "check-config", folder["good.yaml"], folder["bad.yaml"]);
        Assert.Contains("bad.yaml:1:27: global.scrape_interval: not a valid duration string: \"5\"", await bad.StandardError.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(78, await ExitCodeAsync(bad));
    }

    private static Process Start(TempDir folder, string? heapLimit, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "MetricsOperator.Server"))
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = folder.Path,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        if (arguments[0].StartsWith("--config", StringComparison.Ordinal))
        {
            start.ArgumentList.Add($"--termination-log={folder["termination-log"]}");
        }

        if (heapLimit is not null)
        {
            start.Environment["DOTNET_GCHeapHardLimit"] = heapLimit;
        }

        return Process.Start(start)!;
    }

    private static async Task<int> ExitCodeAsync(Process process)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    private static JsonElement LastWords(TempDir folder) => JsonDocument.Parse(File.ReadAllText(folder["termination-log"])).RootElement;
}

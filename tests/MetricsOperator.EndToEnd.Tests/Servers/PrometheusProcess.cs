using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>A real Prometheus on a data directory and a free loopback port.</summary>
internal sealed class PrometheusProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _log;

    private PrometheusProcess(Process process, Uri address)
    {
        _process = process;
        _log = process.StandardError.ReadToEndAsync();
        Http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(20) };
    }

    public HttpClient Http { get; }

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<PrometheusProcess> StartAsync(string program, TempDir directory, string data, params string[] flags)
    {
        var config = directory["prometheus.yml"];
        await File.WriteAllTextAsync(config, "global: {scrape_interval: 1m}\n");
        var address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePort.Next()}");
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, UseShellExecute = false };
        foreach (var flag in (string[])[
            $"--config.file={config}", $"--storage.tsdb.path={data}", $"--web.listen-address={address}", "--storage.tsdb.retention.time=100y", .. flags])
        {
            start.ArgumentList.Add(flag);
        }

        var prometheus = new PrometheusProcess(Process.Start(start)!, new Uri($"http://{address}/"));
        await Eventually.True(prometheus.IsReadyAsync, "prometheus is ready");
        return prometheus;
    }

    /// <summary>Starts it, asks how many samples of a metric it has up to a time, and stops it.</summary>
    public static async Task<long> CountSamplesAsync(string program, TempDir directory, string data, string metric, long timeMs)
    {
        await using var prometheus = await StartAsync(program, directory, data);
        var query = Uri.EscapeDataString($"sum(count_over_time({metric}[1d]))");
        var answer = JsonNode.Parse(await prometheus.Http.GetStringAsync(string.Create(CultureInfo.InvariantCulture, $"api/v1/query?query={query}&time={timeMs / 1000.0:F3}")))!;
        return long.Parse(answer["data"]!["result"]!.AsArray().Single()!["value"]![1]!.GetValue<string>(), CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        Http.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        Assert.False(_process.HasExited, $"prometheus ended: {(_process.HasExited ? await _log : "")}");
        using var ready = await Http.GetAsync("-/ready");
        return ready.IsSuccessStatusCode;
    }
}

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
        var prometheus = Begin(new ProcessStartInfo(program), directory, data, flags);
        await Eventually.True(prometheus.IsReadyAsync, "prometheus is ready");
        return prometheus;
    }

    /// <summary>Starts it in a control group, waits until it is ready, has ended or the time is over, and ends it.</summary>
    public static async Task<PrometheusStart> TryStartInAsync(MemoryGroup group, string program, TempDir directory, string data, TimeSpan within)
    {
        await using var prometheus = Begin(group.Start(program), directory, data, []);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < within)
        {
            if (prometheus._process.HasExited)
            {
                return PrometheusStart.Ended;
            }

            try
            {
                if (await prometheus.AnswersReadyAsync())
                {
                    return PrometheusStart.Ready;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // It does not listen yet, has just ended, or is so short of memory that it does not answer: the next round tells which.
            }

            await Task.Delay(50);
        }

        return PrometheusStart.NotReady;
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

    private static PrometheusProcess Begin(ProcessStartInfo start, TempDir directory, string data, string[] flags)
    {
        var config = directory["prometheus.yml"];
        File.WriteAllText(config, "global: {scrape_interval: 1m}\n");
        var address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePort.Next()}");
        start.RedirectStandardError = true;
        foreach (var flag in (string[])[
            $"--config.file={config}", $"--storage.tsdb.path={data}", $"--web.listen-address={address}", "--storage.tsdb.retention.time=100y", .. flags])
        {
            start.ArgumentList.Add(flag);
        }

        return new PrometheusProcess(Process.Start(start)!, new Uri($"http://{address}/"));
    }

    private async Task<bool> IsReadyAsync()
    {
        Assert.False(_process.HasExited, $"prometheus ended: {(_process.HasExited ? await _log : "")}");
        return await AnswersReadyAsync();
    }

    private async Task<bool> AnswersReadyAsync()
    {
        using var ready = await Http.GetAsync("-/ready");
        return ready.IsSuccessStatusCode;
    }
}

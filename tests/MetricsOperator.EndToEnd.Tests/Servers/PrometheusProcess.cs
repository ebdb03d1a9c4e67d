using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>A real Prometheus on a data directory, for one question.</summary>
internal static class PrometheusProcess
{
    /// <summary>Starts it, asks how many samples of a metric it has up to a time, and stops it.</summary>
    public static async Task<long> CountSamplesAsync(string prometheus, TempDir directory, string data, string metric, long timeMs)
    {
        var config = directory["prometheus.yml"];
        await File.WriteAllTextAsync(config, "global: {scrape_interval: 1m}\n");
        var address = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{FreePort.Next()}");
        var start = new ProcessStartInfo(prometheus) { RedirectStandardError = true, UseShellExecute = false };
        foreach (var flag in new[] { $"--config.file={config}", $"--storage.tsdb.path={data}", $"--web.listen-address={address}", "--storage.tsdb.retention.time=100y" })
        {
            start.ArgumentList.Add(flag);
        }

        using var process = Process.Start(start)!;
        var log = process.StandardError.ReadToEndAsync();
        try
        {
            using var http = new HttpClient { BaseAddress = new Uri($"http://{address}/") };
            await Eventually.True(
                async () =>
                {
                    Assert.False(process.HasExited, $"prometheus ended: {(process.HasExited ? await log : "")}");
                    using var ready = await http.GetAsync("-/ready");
                    return ready.IsSuccessStatusCode;
                },
                "prometheus is ready");
            var query = Uri.EscapeDataString($"sum(count_over_time({metric}[1d]))");
            var answer = JsonNode.Parse(await http.GetStringAsync(string.Create(CultureInfo.InvariantCulture, $"api/v1/query?query={query}&time={timeMs / 1000.0:F3}")))!;
            return long.Parse(answer["data"]!["result"]!.AsArray().Single()!["value"]![1]!.GetValue<string>(), CultureInfo.InvariantCulture);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
        }
    }
}

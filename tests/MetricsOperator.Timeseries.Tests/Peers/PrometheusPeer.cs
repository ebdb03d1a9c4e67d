using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MetricsOperator.TestKit;

namespace MetricsOperator.Timeseries.Tests.Peers;

/// <summary>A real Prometheus on loopback with an empty database; stops with the test.</summary>
internal sealed class PrometheusPeer : IAsyncDisposable
{
    private readonly TempDir _folder;
    private readonly Process _process;

    private PrometheusPeer(TempDir folder, Process process, HttpClient client)
    {
        _folder = folder;
        _process = process;
        Client = client;
    }

    public HttpClient Client { get; }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static async Task<PrometheusPeer> StartAsync(string configuration = "global: {}\n")
    {
        var program = Peer.Require("prometheus", "prometheus");
        var port = FreePort();
        var folder = new TempDir();
        await File.WriteAllTextAsync(folder["prometheus.yml"], configuration);
        var start = new ProcessStartInfo(program) { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = folder.Path };
        foreach (var argument in new[]
        {
            $"--config.file={folder["prometheus.yml"]}", $"--storage.tsdb.path={folder["data"]}", $"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-remote-write-receiver", "--enable-feature=native-histograms", "--log.level=error",
        })
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var peer = new PrometheusPeer(folder, process, client);
        for (var i = 0; i < 200; i++)
        {
            try
            {
                if ((await client.GetAsync("/-/ready")).IsSuccessStatusCode)
                {
                    return peer;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(50);
        }

        await peer.DisposeAsync();
        throw new InvalidOperationException("Prometheus did not become ready");
    }

    /// <summary>The answer to an instant query as JSON, error answers included.</summary>
    public async Task<JsonElement> QueryAsync(string query, double? time = null)
    {
        using var form = new FormUrlEncodedContent(time is null
            ? [new("query", query)]
            : [new("query", query), new("time", time.Value.ToString(System.Globalization.CultureInfo.InvariantCulture))]);
        using var response = await Client.PostAsync("/api/v1/query", form);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }
}

using System.Net;
using System.Text.Json;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Hosting;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Hosting;

/// <summary>The whole server in this process on a free port, with a data directory of its own.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly TempDir _folder;
    private readonly bool _ownsFolder;
    private readonly ServerHost _host;
    private readonly TerminationMessage _message;
    private readonly HttpClient _client;
    private Task _run = Task.CompletedTask;
    private bool _stopped;

    private RunningServer(TempDir folder, bool ownsFolder, string[] moreFlags)
    {
        _folder = folder;
        _ownsFolder = ownsFolder;
        var flags = ServerFlags.Parse(
        [
            $"--config.file={folder["server.yaml"]}", $"--storage.tsdb.path={folder["data"]}", "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle",
            "--web.enable-remote-write-receiver", "--stall-restart=0s", .. moreFlags,
        ]);
        _message = new TerminationMessage(folder["termination-log"], NullLogger.Instance);
        _host = new ServerHost(flags, ConfigFile.Load(flags.ConfigFile), _message, NullLoggerFactory.Instance, TimeProvider.System);
        _client = new HttpClient(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.None });
    }

    public HttpClient Client => _client;

    public ServerHost Host => _host;

    public string ConfigPath => _folder["server.yaml"];

    public string TerminationLog => _folder["termination-log"];

    /// <summary>Completes when the server has ended.</summary>
    public Task Completion => _run;

    public static async Task<RunningServer> StartAsync(string config = "", TempDir? folder = null, params string[] moreFlags)
    {
        var server = Create(config, folder, moreFlags);
        await server.BeginAsync();
        await Eventually.True(() => server._host.State.IsReady || server._run.IsCompleted, "server is ready");
        if (server._run.IsFaulted)
        {
            await server._run;
        }

        return server;
    }

    public static RunningServer Create(string config, TempDir? folder, params string[] moreFlags)
    {
        var ownsFolder = folder is null;
        folder ??= new TempDir();
        File.WriteAllText(folder["server.yaml"], config);
        return new RunningServer(folder, ownsFolder, moreFlags);
    }

    /// <summary>Starts and returns when the API answers.</summary>
    public async Task BeginAsync(Action? beforeReplay = null)
    {
        var listening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _run = Task.Run(() => _host.RunAsync(() =>
        {
            _client.BaseAddress = _host.Addresses[0];
            beforeReplay?.Invoke();
            listening.SetResult();
        }));
        await await Task.WhenAny(listening.Task, _run);
    }

    public void Configure(string config) => File.WriteAllText(_folder["server.yaml"], config);

    /// <summary>GETs an API path and returns the whole envelope.</summary>
    public async Task<JsonElement> GetAsync(string path)
    {
        using var response = await _client.GetAsync(path);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }

    public async Task<(int Status, string Text)> TextAsync(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await _client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Sends series through the remote write receiver.</summary>
    public Task<(int Status, string Text)> WriteAsync(params (LabelSet Labels, long TimestampMs, double Value)[] samples) =>
        RemoteWrite.WriteRequests.SendAsync(_client, RemoteWrite.WriteRequests.V1(samples));

    /// <summary>Value of the only series that a query gives, or null.</summary>
    public async Task<string?> ScalarAsync(string query, double? time = null)
    {
        var at = time is null ? "" : FormattableString.Invariant($"&time={time}");
        var answer = await GetAsync($"/api/v1/query?query={Uri.EscapeDataString(query)}{at}");
        var result = answer.GetProperty("data").GetProperty("result");
        return result.GetArrayLength() == 1 ? result[0].GetProperty("value")[1].GetString() : null;
    }

    public async Task StopAsync()
    {
        if (!_stopped)
        {
            _stopped = true;
            _host.Stop();
            try
            {
                await _run;
            }
            finally
            {
                await _host.DisposeAsync();
                _message.Dispose();
                _client.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_ownsFolder)
        {
            _folder.Dispose();
        }
    }
}

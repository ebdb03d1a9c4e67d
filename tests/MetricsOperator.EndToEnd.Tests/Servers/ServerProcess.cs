using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>The real server as a process on a loopback port, restartable on the same data directory.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly StringBuilder _log = new();
    private readonly string _config;
    private readonly string _data;
    private readonly string[] _flags;
    private Process? _process;

    public ServerProcess(TempDir directory, string config, params string[] flags)
    {
        _config = directory["server.yaml"];
        _data = directory["data"];
        _flags = flags;
        File.WriteAllText(_config, config);
        Port = FreePort.Next();
        Http = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/")), Timeout = TimeSpan.FromSeconds(20) };
    }

    public int Port { get; }

    public HttpClient Http { get; }

    public string DataDirectory => _data;

    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>The control group that the process starts in; null for that of the test.</summary>
    public MemoryGroup? Group { get; set; }

    /// <summary>Starts the process.</summary>
    public void Begin()
    {
        var start = Group?.Start(Programs.Server) ?? new ProcessStartInfo(Programs.Server);
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        foreach (var flag in (string[])[
            $"--config.file={_config}", $"--storage.tsdb.path={_data}", string.Create(CultureInfo.InvariantCulture, $"--web.listen-address=127.0.0.1:{Port}"),
            "--web.enable-remote-write-receiver", "--web.enable-lifecycle", .. _flags])
        {
            start.ArgumentList.Add(flag);
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts the process and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        Begin();
        await Eventually.True(IsReadyAsync, "the server is ready", TimeSpan.FromSeconds(60));
    }

    /// <summary>Waits for the process to be ready; false when the time was too short.</summary>
    public async Task<bool> IsReadyWithinAsync(TimeSpan time)
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < time)
        {
            if (await IsReadyAsync())
            {
                return true;
            }

            await Task.Delay(50);
        }

        return false;
    }

    /// <summary>SIGKILL, as the kernel's out-of-memory killer does it.</summary>
    public void Kill9()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM; returns the exit code.</summary>
    public async Task<int> StopAsync()
    {
        (await RunResult.RunAsync("kill", ["-TERM", _process!.Id.ToString(CultureInfo.InvariantCulture)])).Succeeded();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return _process.ExitCode;
    }

    /// <summary>The <c>data</c> member of an API answer that must be a success.</summary>
    public async Task<JsonNode> GetDataAsync(string path)
    {
        using var answer = await Http.GetAsync(path);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {body}");
        return JsonNode.Parse(body)!["data"]!;
    }

    public ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            Kill9();
        }

        _process?.Dispose();
        Http.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<bool> IsReadyAsync()
    {
        Assert.False(_process!.HasExited, $"the server ended with exit code {(_process.HasExited ? _process.ExitCode : 0)}:\n{Log}");
        try
        {
            using var answer = await Http.GetAsync("-/ready");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            // It does not listen yet.
            return false;
        }
    }

    private void Append(string? line)
    {
        lock (_log)
        {
            _log.AppendLine(line);
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MetricsOperator.Server.Queries;
using MetricsOperator.TestKit;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Queries;

/// <summary>A server that is killed while a query holds most of its memory, as the kernel does it.</summary>
public sealed class QueryKillTests : IDisposable
{
    // Its columns take tens of megabytes, and its windows minutes.
    private const string Heavy = "quantile_over_time(0.5, vector(time())[20d:1s])";

    private readonly TempDir _folder = new();
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(30) };

    public void Dispose()
    {
        _client.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_next_start_names_the_query_and_after_the_second_time_it_is_refused()
    {
        File.WriteAllText(_folder["server.yaml"], "");
        await KillWhileRunningAsync("--query.killer-refusal=1d");
        string fingerprint;
        using (var second = await StartAsync())
        {
            var data = (await JsonAsync(second, "/api/v1/status/queries")).GetProperty("data");
            var unfinished = Assert.Single(data.GetProperty("unfinished").EnumerateArray());
            Assert.Equal(Heavy, unfinished.GetProperty("query").GetString());
            fingerprint = unfinished.GetProperty("fingerprint").GetString()!;
            var killer = Assert.Single(data.GetProperty("killers").EnumerateArray());
            Assert.Equal(fingerprint, killer.GetProperty("fingerprint").GetString());
            Assert.False(killer.TryGetProperty("refusedUntil", out _));
            Assert.Contains(second.Log, l => l.Contains("did not finish in the last run", StringComparison.Ordinal) && l.Contains(fingerprint, StringComparison.Ordinal));

            // Its bytes are bounded now, and the error says why.
            var (status, text) = await QueryAsync(second);
            Assert.Equal(422, status);
            Assert.Contains("is refused the next time", text, StringComparison.Ordinal);
            second.Kill();
        }

        // The query ended, so that this kill is not held against it; without the bound it kills again.
        await KillWhileRunningAsync("--query.killer-refusal=0s");
        using var last = await StartAsync("--web.enable-admin-api");
        var (refusedStatus, refused) = await QueryAsync(last);
        Assert.Equal(422, refusedStatus);
        Assert.Contains("2 times the server was killed for lack of memory", refused, StringComparison.Ordinal);
        Assert.Contains(fingerprint, refused, StringComparison.Ordinal);
        Assert.Contains("metricsoperator_query_forms_refused 1", await _client.GetStringAsync(last.Url + "/metrics"), StringComparison.Ordinal);
        using var lifted = await _client.PostAsync($"{last.Url}{QueryDeaths.LiftPath}?fingerprint={fingerprint}", null);
        Assert.Equal(204, (int)lifted.StatusCode);
        var killers = (await JsonAsync(last, "/api/v1/status/queries")).GetProperty("data").GetProperty("killers");
        Assert.Equal(0, killers.GetArrayLength());
    }

    [Fact]
    public async Task A_kill_with_a_small_query_accuses_nobody()
    {
        File.WriteAllText(_folder["server.yaml"], "");
        using (var first = await StartAsync("--memory.guard=enforce", "--memory.budget=2Gi"))
        {
            var running = _client.GetAsync($"{first.Url}/api/v1/query_range?query={Uri.EscapeDataString("quantile_over_time(0.5, vector(time())[1d:1s])")}&start=0&end=10000&step=1");
            await Eventually.True(() => Active().Count == 1, "the query runs");
            first.Kill();
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => running);
        }

        using var second = await StartAsync();
        var data = (await JsonAsync(second, "/api/v1/status/queries")).GetProperty("data");
        Assert.Equal((1, 0), (data.GetProperty("unfinished").GetArrayLength(), data.GetProperty("killers").GetArrayLength()));
    }

    private async Task KillWhileRunningAsync(params string[] flags)
    {
        using var server = await StartAsync(flags);
        var answer = QueryAsync(server);
        await Eventually.True(() => Active() is [{ PeakBytes: > 4_000_000 } query] && query.UsedBytes > query.LimitBytes, "the query holds memory, and more is in use than the budget");
        server.Kill();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => answer);
    }

    private IReadOnlyList<ActiveQuery> Active() => ActiveQueryLog.ReadUnfinished(CompanionFiles.In(_folder["data"]), NullLogger.Instance);

    private async Task<(int Status, string Text)> QueryAsync(Running server)
    {
        using var response = await _client.GetAsync($"{server.Url}/api/v1/query_range?query={Uri.EscapeDataString(Heavy)}&start=0&end=10000&step=1");
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<JsonElement> JsonAsync(Running server, string path) => JsonDocument.Parse(await _client.GetStringAsync(server.Url + path)).RootElement;

    // A budget that the process is always above, only observed: to the judgement memory is short, and nothing is held back.
    private async Task<Running> StartAsync(params string[] flags)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "MetricsOperator.Server")) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])
            [
                $"--config.file={_folder["server.yaml"]}", $"--storage.tsdb.path={_folder["data"]}", "--web.listen-address=127.0.0.1:0",
                .. flags.Any(f => f.StartsWith("--memory", StringComparison.Ordinal)) ? [] : (string[])["--memory.guard=observe", "--memory.budget=24Mi"], .. flags,
            ])
        {
            start.ArgumentList.Add(argument);
        }

        var running = new Running(Process.Start(start)!);
        await Eventually.True(() => running.Url.Length > 0 && running.Has("Server is ready"), "the server is ready");
        return running;
    }

    private sealed class Running : IDisposable
    {
        private readonly Process _process;
        private readonly List<string> _log = [];

        public Running(Process process)
        {
            _process = process;
            process.OutputDataReceived += (_, line) => Add(line.Data);
            process.ErrorDataReceived += (_, line) => Add(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public string Url { get; private set; } = string.Empty;

        public IReadOnlyList<string> Log
        {
            get
            {
                lock (_log)
                {
                    return [.. _log];
                }
            }
        }

        public bool Has(string text) => Log.Any(l => l.Contains(text, StringComparison.Ordinal));

        public void Kill()
        {
            _process.Kill();
            _process.WaitForExit();
        }

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                Kill();
            }

            _process.Dispose();
        }

        private void Add(string? line)
        {
            if (line is null)
            {
                return;
            }

            const string Scheme = "http://127.0.0.1:";
            lock (_log)
            {
                _log.Add(line);
            }

            if (Url.Length == 0 && line.IndexOf(Scheme, StringComparison.Ordinal) is >= 0 and var at)
            {
                var port = new string([.. line.Skip(at + Scheme.Length).TakeWhile(char.IsAsciiDigit)]);
                Url = Scheme + int.Parse(port, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);
            }
        }
    }
}

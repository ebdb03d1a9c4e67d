using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using MetricsOperator.Server.Config;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Hosting;

/// <summary>
/// Holds the configuration in force and replaces it when a newer file is valid. A file that is not leaves everything as it was and is
/// reported until a valid one comes.
/// </summary>
internal sealed class ConfigReloader : IDisposable
{
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Meter _meter = new("MetricsOperator.Server");
    private volatile Snapshot _current;
    private volatile string _error = string.Empty;
    private string _seenHash;

    /// <summary>Starts with a configuration that is already loaded.</summary>
    public ConfigReloader(string path, ServerConfig initial, TimeProvider time, ILogger logger)
    {
        _path = path;
        _time = time;
        _logger = logger;
        _current = new Snapshot(initial, time.GetUtcNow());
        _seenHash = initial.Hash;
        _meter.CreateObservableGauge(
            "prometheus_config_last_reload_successful", () => _error.Length == 0 ? 1 : 0, description: "Whether the last configuration reload attempt was successful.");
        _meter.CreateObservableGauge(
            "prometheus_config_last_reload_success_timestamp_seconds",
            () => LoadedAt.ToUnixTimeMilliseconds() / 1000d,
            description: "Timestamp of the last successful configuration reload.");
    }

    /// <summary>Told about every configuration that comes into force; one at a time.</summary>
    public event Action<ServerConfig>? Changed;

    public ServerConfig Current => _current.Config;

    public DateTimeOffset LoadedAt => _current.At;

    /// <summary>Why the newest file is not in force, or an empty string.</summary>
    public string Error => _error;

    /// <summary>Loads the file now.</summary>
    /// <returns>Why it is refused, or null.</returns>
    public async Task<string?> ReloadAsync(CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            return Load();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Compares the file's content with what was seen last and loads it when it differs, until cancelled.</summary>
    public async Task PollAsync(TimeSpan interval, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(interval, _time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            await _gate.WaitAsync(cancellation);
            try
            {
                if (Read(out var bytes) is null && Convert.ToHexStringLower(SHA256.HashData(bytes)) != _seenHash)
                {
                    Load();
                }
            }
            finally
            {
                _gate.Release();
            }
        }
    }

    public void Dispose()
    {
        _meter.Dispose();
        _gate.Dispose();
    }

    private string? Load()
    {
        var problem = Read(out var bytes);
        if (problem is null)
        {
            _seenHash = Convert.ToHexStringLower(SHA256.HashData(bytes));
            try
            {
                var config = ConfigFile.Parse(bytes, Path.GetFileName(_path), Path.GetDirectoryName(_path)!, Environment.GetEnvironmentVariable);
                _current = new Snapshot(config, _time.GetUtcNow());
                _error = string.Empty;
                Changed?.Invoke(config);
                _logger.LogInformation("Loaded {File}, hash {Hash}", _path, config.Hash);
                return null;
            }
            catch (ConfigException e)
            {
                problem = e.Message;
            }
        }

        _error = problem;
        _logger.LogError("The configuration stays as it is, the new file is refused: {Error}", problem);
        return problem;
    }

    private string? Read(out byte[] bytes)
    {
        try
        {
            bytes = File.ReadAllBytes(_path);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            bytes = [];
            return e.Message;
        }
    }

    private sealed record Snapshot(ServerConfig Config, DateTimeOffset At);
}

using System.Globalization;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>The data directory of a server that was killed with many series in its log, made once for several tests.</summary>
public sealed class RescueLog : IDisposable
{
    internal const string Config = "global: {scrape_interval: 1m}\n";
    internal const string KeepsAll = "--storage.tsdb.retention.time=100y";

    /// <summary>Values of the label <c>part</c>, which all have the same number of series.</summary>
    internal const int Groups = 10;
    internal const int SamplesPerSeries = 3;
    private const int Batch = 5000;

    internal const int UsualSeries = 250_000;

    internal static readonly int Series = (int)RescueTests.Number("RESCUE_SERIES", UsualSeries);

    private readonly TempDir _directory = new();
    private readonly SemaphoreSlim _gate = new(1);
    private bool _isMade;

    /// <summary>Time of the newest sample, or a little later.</summary>
    internal long EndMs { get; private set; }

    /// <summary>Copies the directory, as the kill left it.</summary>
    public async Task CopyToAsync(string path)
    {
        await _gate.WaitAsync();
        try
        {
            if (!_isMade)
            {
                await using var server = new ServerProcess(_directory, Config, KeepsAll);
                await server.StartAsync();
                EndMs = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
                await LoadAsync(server, EndMs);
                server.Kill9();
                _isMade = true;
            }
        }
        finally
        {
            _gate.Release();
        }

        (await RunResult.RunAsync("cp", ["-r", _directory["data"], path])).Succeeded();
    }

    public void Dispose()
    {
        _gate.Dispose();
        _directory.Dispose();
    }

    private static async Task LoadAsync(ServerProcess server, long endMs)
    {
        for (var first = 0; first < Series; first += Batch)
        {
            var writer = new WriteRequestWriter();
            for (var i = first; i < Math.Min(first + Batch, Series); i++)
            {
                writer.StartSeries(LabelSet.Of(
                    ("__name__", "rescue_test"), ("container", "app"), ("instance", $"10.0.{i / 250 % 250}.{i % 250}:8080"), ("job", "rescue"),
                    ("part", (i % Groups).ToString(CultureInfo.InvariantCulture)), ("pod", $"app-{i / 100:x8}"), ("session", $"{i:x16}")));
                for (var sample = 0; sample < SamplesPerSeries; sample++)
                {
                    writer.Sample(endMs - ((SamplesPerSeries - sample) * 15_000), i + sample);
                }
            }

            await server.Http.WriteAsync(writer);
        }
    }
}

using System.Buffers;
using System.Globalization;
using System.Text;

namespace MetricsOperator.Cli.Exporter;

/// <summary>What a synthetic target exposes.</summary>
/// <param name="Prefix">First part of every metric name.</param>
/// <param name="StableSeries">Series that are there from the start: counters and an up gauge.</param>
/// <param name="NewSeriesPerSecond">Sessions that begin each second; each is one new series.</param>
/// <param name="Lifetime">How long a session stays exposed after it began.</param>
internal sealed record SyntheticTargetOptions(string Prefix, int StableSeries, int NewSeriesPerSecond, TimeSpan Lifetime);

/// <summary>
/// A scrape target with churn: a stable part that a dashboard would use, and a metric with one label value per session, the
/// label that takes metrics servers down.
/// </summary>
internal sealed class SyntheticTarget
{
    private readonly SyntheticTargetOptions _options;
    private readonly TimeProvider _time;
    private readonly long _started;

    public SyntheticTarget(SyntheticTargetOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _started = time.GetTimestamp();
    }

    /// <summary>Writes the exposition text of this moment.</summary>
    public void WriteTo(IBufferWriter<byte> writer)
    {
        var elapsed = _time.GetElapsedTime(_started).TotalSeconds;
        WriteStable(writer, elapsed);
        if (_options.NewSeriesPerSecond > 0)
        {
            WriteSessions(writer, elapsed);
        }
    }

    private void WriteStable(IBufferWriter<byte> writer, double elapsed)
    {
        Line(writer, $"# HELP {_options.Prefix}_up Whether the application works.\n# TYPE {_options.Prefix}_up gauge\n{_options.Prefix}_up 1\n");
        var perFamily = Math.Max(1, (_options.StableSeries - 1) / 2);
        WriteCounter(writer, "requests_total", "Requests served.", perFamily, elapsed * 10);
        WriteCounter(writer, "errors_total", "Requests that failed.", perFamily, elapsed / 10);
    }

    private void WriteCounter(IBufferWriter<byte> writer, string name, string help, int series, double value)
    {
        Line(writer, $"# HELP {_options.Prefix}_{name} {help}\n# TYPE {_options.Prefix}_{name} counter\n");
        for (var i = 0; i < series; i++)
        {
            Line(writer, string.Create(CultureInfo.InvariantCulture, $"{_options.Prefix}_{name}{{handler=\"/api/v1/handler-{i}\",method=\"GET\"}} {Math.Floor(value + i)}\n"));
        }
    }

    private void WriteSessions(IBufferWriter<byte> writer, double elapsed)
    {
        var name = _options.Prefix + "_session_bytes_total";
        Line(writer, $"# HELP {name} Bytes sent, by session: a label without bounds.\n# TYPE {name} counter\n");
        var end = (long)(elapsed * _options.NewSeriesPerSecond);
        var begin = Math.Max(0, (long)((elapsed - _options.Lifetime.TotalSeconds) * _options.NewSeriesPerSecond));
        for (var session = begin; session < end; session++)
        {
            Line(writer, string.Create(CultureInfo.InvariantCulture, $"{name}{{session=\"{session:x16}\",user=\"user-{session % 9973}\",region=\"eu-west-{session % 3}\",handler=\"/api/v1/handler-{session % 17}\"}} {session % 1000 + 1}\n"));
        }
    }

    private static void Line(IBufferWriter<byte> writer, string text)
    {
        var span = writer.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        writer.Advance(Encoding.UTF8.GetBytes(text, span));
    }
}

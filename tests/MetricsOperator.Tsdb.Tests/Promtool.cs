using System.Diagnostics;
using System.Globalization;
using MetricsOperator.TestKit;

namespace MetricsOperator.Tsdb.Tests;

/// <summary>Prometheus' own tool, as an independent reader of data directories.</summary>
internal static class Promtool
{
    public static string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Peer.Require("promtool", "prometheus")) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"promtool {string.Join(' ', arguments)} ended with {process.ExitCode}: {errors.Result}");
        return output;
    }

    /// <summary>All float samples of a directory as <c>tsdb dump</c> prints them: series, then time and value.</summary>
    public static SortedDictionary<string, List<(long T, string V)>> Dump(string path)
    {
        var all = new SortedDictionary<string, List<(long, string)>>(StringComparer.Ordinal);
        foreach (var line in Run("tsdb", "dump", path).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var end = line.LastIndexOf('}') + 1;
            var fields = line[(end + 1)..].Split(' ');
            var series = line[..end];
            if (!all.TryGetValue(series, out var samples))
            {
                all[series] = samples = [];
            }

            samples.Add((long.Parse(fields[1], CultureInfo.InvariantCulture), fields[0]));
        }

        return all;
    }

    /// <summary>The float samples of a database in the same form; staleness and other NaNs look alike there.</summary>
    public static SortedDictionary<string, List<(long T, string V)>> DumpOf(TimeSeriesDb db)
    {
        var all = new SortedDictionary<string, List<(long, string)>>(StringComparer.Ordinal);
        foreach (var (series, samples) in db.ReadAll())
        {
            // The tool of this version leaves a series at its first histogram.
            var floats = samples.TakeWhile(s => !s.V.StartsWith('h')).Select(s => (s.T, Format(s.V))).ToList();
            if (floats.Count > 0)
            {
                all.Add(series, floats);
            }
        }

        return all;
    }

    public static void AssertSame(SortedDictionary<string, List<(long T, string V)>> want, SortedDictionary<string, List<(long T, string V)>> got)
    {
        Assert.Equal(want.Keys, got.Keys);
        foreach (var (series, samples) in want)
        {
            Assert.True(samples.Count == got[series].Count, $"{series}: got {got[series].Count} samples, want {samples.Count}");
            for (var i = 0; i < samples.Count; i++)
            {
                var same = samples[i].T == got[series][i].T && Canonical(samples[i].V) == Canonical(got[series][i].V);
                Assert.True(same, $"{series}, sample {i}: got {got[series][i]}, want {samples[i]}");
            }
        }
    }

    private static string Format(string bits) =>
        BitConverter.UInt64BitsToDouble(ulong.Parse(bits, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString("R", CultureInfo.InvariantCulture);

    // The shortest round-trip notations of two languages differ in form, not in value.
    private static string Canonical(string text) => text switch
    {
        "+Inf" => "Infinity",
        "-Inf" => "-Infinity",
        _ => double.Parse(text, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture),
    };
}

using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests;

/// <summary>Short forms that the tests of the whole database share.</summary>
internal static class TestDb
{
    public static TimeSeriesDb Open(string path, Func<TsdbOptions, TsdbOptions>? change = null)
    {
        var options = new TsdbOptions { Path = path, WalSegmentBytes = 32 * 1024 };
        return TimeSeriesDb.Open(change?.Invoke(options) ?? options, null, CancellationToken.None);
    }

    public static LabelMatcher Equal(string name, string value) => new(MatchType.Equal, name, value);

    public static AppendOutcome Append(this TimeSeriesDb db, LabelSet labels, params (long T, double V)[] samples)
    {
        using var appender = db.CreateAppender();
        var series = appender.GetOrCreate(labels, out var outcome);
        foreach (var (t, v) in samples)
        {
            var next = appender.Append(series, t, v);
            outcome = outcome == AppendOutcome.Ok ? next : outcome;
        }

        appender.Commit();
        return outcome;
    }

    /// <summary>Copies a directory tree as it is now.</summary>
    public static void CopyFiles(string source, string target)
    {
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);

            // The lock file, which cannot be opened while it is held, is empty.
            using var to = File.Create(copy);
            if (Path.GetFileName(file) == "lock")
            {
                continue;
            }

            using var from = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            from.CopyTo(to);
        }
    }

    /// <summary>All samples of all series that satisfy the matchers; read in label order and in any order, which must give the same.</summary>
    public static SortedDictionary<string, List<(long T, string V)>> ReadAll(
        this TimeSeriesDb db, long min = long.MinValue, long max = long.MaxValue, params LabelMatcher[] matchers)
    {
        var all = ReadAll(db, sorted: true, min, max, matchers);
        Assert.Equal(all, ReadAll(db, sorted: false, min, max, matchers));
        return all;
    }

    private static SortedDictionary<string, List<(long T, string V)>> ReadAll(
        TimeSeriesDb db, bool sorted, long min, long max, LabelMatcher[] matchers)
    {
        var all = new SortedDictionary<string, List<(long, string)>>(StringComparer.Ordinal);
        using var querier = db.OpenQuerier(min, max);
        if (matchers.Length == 0)
        {
            matchers = [new LabelMatcher(MatchType.RegexMatch, "__name__", ".*")];
        }

        var set = querier.Select(sorted, new SelectHints(min, max), matchers, CancellationToken.None);
        LabelSet? last = null;
        while (set.MoveNext())
        {
            Assert.True(!sorted || last is null || last < set.Labels, "series are sorted and unique");
            last = set.Labels;
            using var reader = set.OpenReader();
            var samples = Read(reader);
            if (samples.Count > 0)
            {
                all.Add(set.Labels.ToString(), samples);
            }
        }

        Assert.Empty(set.Warnings);
        return all;
    }

    public static List<(long T, string V)> Read(SampleReader reader)
    {
        var samples = new List<(long, string)>();
        var times = new long[37];
        var values = new double[37];
        var histograms = new FloatHistogram?[5];
        while (true)
        {
            switch (reader.NextKind())
            {
                case SampleKind.None:
                    return samples;
                case SampleKind.Float:
                    var floats = reader.ReadFloats(times, values);
                    Assert.True(floats > 0);
                    for (var i = 0; i < floats; i++)
                    {
                        samples.Add((times[i], BitConverter.DoubleToUInt64Bits(values[i]).ToString("x16")));
                    }

                    break;
                default:
                    var count = reader.ReadHistograms(times, histograms);
                    Assert.True(count > 0);
                    for (var i = 0; i < count; i++)
                    {
                        var h = histograms[i]!;
                        samples.Add((times[i], $"h{h.Count}/{h.Sum}/{string.Join(',', h.PositiveBuckets)}"));
                    }

                    break;
            }
        }
    }
}

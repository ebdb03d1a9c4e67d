using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>The files of a small data directory that has everything: blocks, a checkpoint, segments, head chunks, late samples.</summary>
internal sealed record DataDirectory(IReadOnlyList<(string Path, byte[] Content)> Files)
{
    public static DataDirectory Create()
    {
        const long start = 1_600_000_000_000 / 7_200_000 * 7_200_000;
        const long step = 60_000;
        using var folder = new TempDir();
        var options = new TsdbOptions
        {
            Path = folder.Path,
            WalSegmentBytes = 32 * 1024,
            OutOfOrderWindowMs = 3_600_000,
            Files = UnsyncedFiles.Instance,
        };
        using (var db = TimeSeriesDb.Open(options, null, CancellationToken.None))
        {
            for (var i = 0; i < 500; i++)
            {
                using (var appender = db.CreateAppender())
                {
                    for (var s = 0; s < 5; s++)
                    {
                        var series = appender.GetOrCreate(LabelSet.Of(("__name__", $"metric_{s}"), ("job", "fuzz"), ("instance", $"i{s % 2}")), out _);
                        appender.Append(series, start + (i * step), i * s);
                        if (i % 10 == 5 && s < 2)
                        {
                            appender.Append(series, start + (i * step) - 90_000, -i);
                        }
                    }

                    var histograms = appender.GetOrCreate(LabelSet.Of(("__name__", "latency"), ("job", "fuzz")), out _);
                    appender.SetMetadata(histograms, new MetricMetadata("histogram", "seconds", "How long it takes."));
                    appender.Append(histograms, start + (i * step), Histograms.Grown(Histograms.All()[i < 250 ? 0 : 3], i));
                    appender.Commit();
                }

                if (i is 250 or 400)
                {
                    db.RunMaintenance(CancellationToken.None);
                }
            }
        }

        var files = Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetFileName(f) != "lock")
            .Select(f => (Path.GetRelativePath(folder.Path, f), File.ReadAllBytes(f)))
            .OrderBy(f => f.Item1, StringComparer.Ordinal);
        return new DataDirectory([.. files]);
    }
}

using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Recovery;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The state of the head beside its log: checked, read into a head, and every series of that looked at.</summary>
public sealed class HeadStateTarget : FuzzTarget
{
    private readonly string _directory = Directory.CreateTempSubdirectory("fuzz-head-state").FullName;
    private readonly byte[] _chunk = new byte[64 * 1024];

    public override string Name => "head-state";

    /// <summary>The fixed part is an empty head.</summary>
    public override AllocationBound Bound => new(2 * 1024 * 1024, 512);

    public override int MaxInputBytes => 16 * 1024;

    public override int Cost => 20;

    public override bool HasChecksums => true;

    public override IReadOnlyList<byte[]> Seeds()
    {
        var options = new TsdbOptions { Path = _directory, HeadStateMinLogBytes = 0, Files = UnsyncedFiles.Instance };
        using (var db = TimeSeriesDb.Open(options, null, CancellationToken.None))
        {
            for (var time = 0L; time < 20 * 15_000; time += 15_000)
            {
                using var appender = db.CreateAppender();
                for (var i = 0; i < 12; i++)
                {
                    var labels = new LabelSetBuilder().Set("__name__", "m" + (i % 4)).Set("job", "j" + (i % 2)).Set("n", "v" + i).Build();
                    var series = appender.GetOrCreate(labels, out _);
                    if (i % 6 == 5)
                    {
                        appender.Append(series, time, new FloatHistogram { Schema = 1, PositiveSpans = [new BucketSpan(0, 2)], PositiveBuckets = [1, time], Count = 1 + time, Sum = 3 });
                    }
                    else
                    {
                        appender.Append(series, time, time * i);
                    }
                }

                appender.Commit();
            }
        }

        return [File.ReadAllBytes(StatePath)];
    }

    public override void FixChecksums(Span<byte> input) => Checksums.FixHeadState(input);

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        File.WriteAllBytes(StatePath, input.Span);
        using var head = new MemoryHead(new HeadChunkFiles(UnsyncedFiles.Instance, Path.Combine(_directory, "chunks_head"), NullLogger.Instance), 7_200_000);
        using var state = HeadStateReader.Open(_directory, null, 0, record => record.Length > 1, null)!;
        var problem = state.Check(WalDirectory.List(Path.Combine(_directory, "wal"))) ?? state.Fill(head, long.MinValue, CancellationToken.None);
        outcome.AddMessage(problem ?? string.Empty);
        outcome.AddCount(head.Store.Count);
        for (var number = 0; problem is null && number < head.Store.Count; number++)
        {
            ref var series = ref head.Store[number];
            outcome.AddCount(head.Store.LabelSetAt(series.Labels).Count);
            if (head.Samples.OpenLength(in series) is > 0 and var length && length <= _chunk.Length)
            {
                head.Samples.CopyOpen(in series, _chunk);
                outcome.Add((ulong)series.Encoding);
            }
        }

        return outcome.Value;
    }

    protected override void Dispose(bool disposing)
    {
        Directory.Delete(_directory, recursive: true);
        base.Dispose(disposing);
    }

    private string StatePath => Path.Combine(_directory, HeadStateFormat.FileName);
}

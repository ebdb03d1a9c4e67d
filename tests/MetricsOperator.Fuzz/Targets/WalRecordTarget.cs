using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The decoders of log records, as replay and checkpoints use them.</summary>
public sealed class WalRecordTarget : FuzzTarget
{
    public override string Name => "wal-record";

    /// <summary>A histogram of 26 bytes becomes an object of about 150; one byte of a bucket becomes a double.</summary>
    public override AllocationBound Bound => new(4 * 1024, 32);

    public override IReadOnlyList<byte[]> Seeds() => WalSeeds.Records();

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var record = input.Span;
        var outcome = new Outcome();
        if (record.IsEmpty)
        {
            return outcome.Value;
        }

        outcome.Add(record[0]);
        var entries = 0;
        var seen = 0UL;
        var failed = false;
        switch ((WalRecordType)record[0])
        {
            case WalRecordType.Series:
                var series = new SeriesRecord(record);
                for (; series.Next(); entries++)
                {
                    seen |= LabelSet.FromEncoded(series.EncodedLabels) is null ? 1UL : 2;
                }

                failed = series.Failed;
                break;
            case WalRecordType.Samples or WalRecordType.SamplesV2 or WalRecordType.Exemplars:
                var samples = new SampleRecord(record);
                for (; samples.Next(); entries++)
                {
                    if (record[0] == (byte)WalRecordType.Exemplars)
                    {
                        seen |= LabelSet.FromEncoded(samples.EncodedLabels) is null ? 1UL : 2;
                    }
                }

                failed = samples.Failed;
                break;
            case WalRecordType.Tombstones:
                var tombstones = new TombstoneRecord(record);
                for (; tombstones.Next(); entries++)
                {
                }

                failed = tombstones.Failed;
                break;
            case WalRecordType.MmapMarkers:
                var markers = new MmapMarkerRecord(record);
                for (; markers.Next(); entries++)
                {
                }

                failed = markers.Failed;
                break;
            case WalRecordType.Metadata:
                var metadata = new MetadataRecord(record);
                for (; metadata.Next(); entries++)
                {
                    seen |= metadata.Unit.IsEmpty ? 1UL : metadata.Help.IsEmpty ? 2UL : 4;
                }

                failed = metadata.Failed;
                break;
            case (>= WalRecordType.Histograms and <= WalRecordType.CustomFloatHistograms) or WalRecordType.HistogramsV2 or WalRecordType.FloatHistogramsV2:
                var histograms = new SampleRecord(record);
                for (; histograms.Next(); entries++)
                {
                    var histogram = histograms.Histogram();
                    seen |= 1UL << ((HistogramPayload.IsConsistent(histogram) ? 1 : 0) + (histogram.FindProblem() is null ? 2 : 0));
                    _ = histograms.Rest;
                }

                failed = histograms.Failed;
                break;
        }

        outcome.Add(seen);
        outcome.AddCount(entries);
        outcome.Add(failed ? 1UL : 0);
        return outcome.Value;
    }
}

using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Head;

/// <content>Exemplars.</content>
internal sealed partial class HeadReplay
{
    private bool ReadExemplars(ReadOnlySpan<byte> record)
    {
        var exemplars = new SampleRecord(record);
        while (exemplars.Next())
        {
            if (exemplars.Timestamp >= minValidTime && head.Exemplars.MaxCount > 0 && head.Store.Decode(exemplars.EncodedLabels) is { } labels)
            {
                head.AddExemplar(exemplars.Reference, new Exemplar(labels, exemplars.Value, exemplars.Timestamp) { HasOwnTime = false });
            }
        }

        return !exemplars.Failed;
    }
}

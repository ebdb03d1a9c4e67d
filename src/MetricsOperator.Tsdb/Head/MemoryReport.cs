using System.Runtime.InteropServices;
using System.Text;
using MetricsOperator.Tsdb.Chunks;

namespace MetricsOperator.Tsdb.Head;

/// <summary>Counts what the head uses, by kind and by target.</summary>
internal static class MemoryReport
{
    /// <summary>Series looked at while the head's lock is held once.</summary>
    private const int Piece = 10_000;

    /// <summary>The newest figures; walks all series when targets are wanted.</summary>
    public static HeadMemoryReport Of(MemoryHead head, int targets, int families)
    {
        var byTarget = targets > 0 ? Targets(head, targets) : [];
        return head.Read(h =>
        {
            var memory = h.Store.Memory;
            var uses = Enum.GetValues<HeadMemoryUse>().Select(u => new NamedCount(NameOf(u), memory.BytesOf(u))).ToList();
            uses.Add(new NamedCount("histograms", h.Samples.HistogramBytes));
            uses.Add(new NamedCount("outOfOrder", h.OutOfOrder.Bytes));
            return new HeadMemoryReport(
                h.Admission.CapBytes, uses.Sum(u => u.Value), uses, h.Store.Count, h.Admission.Level, h.Admission.AdmittedUnderPressure,
                h.Admission.Refused(), h.Admission.RefusedFamilies(families), byTarget);
        });
    }

    private static string NameOf(HeadMemoryUse use) => use.ToString().ToLowerInvariant();

    private static List<TargetMemory> Targets(MemoryHead head, int limit)
    {
        var targets = new Dictionary<(int Job, int Instance), (long Series, long Bytes)>();
        var (job, instance, count) = head.Read(h => (h.Store.Symbols.Find("job"u8), h.Store.Symbols.Find("instance"u8), h.Store.Count));
        for (var first = 0; first < count; first += Piece)
        {
            var from = first;
            head.Read(h =>
            {
                for (var number = from; number < Math.Min(from + Piece, h.Store.Count); number++)
                {
                    Add(h, number);
                }

                return 0;
            });
        }

        return head.Read(h => targets
            .OrderByDescending(t => t.Value.Bytes)
            .Take(limit)
            .Select(t => new TargetMemory(Text(h, t.Key.Job), Text(h, t.Key.Instance), t.Value.Series, t.Value.Bytes))
            .ToList());

        void Add(MemoryHead h, int number)
        {
            ref var series = ref h.Store[number];
            var key = (Job: -1, Instance: -1);
            for (var labels = h.Store.LabelsAt(series.Labels); labels.MoveNext();)
            {
                if (labels.Name == job)
                {
                    key.Job = labels.Value;
                }
                else if (labels.Name == instance)
                {
                    key.Instance = labels.Value;
                }
            }

            ref var target = ref CollectionsMarshal.GetValueRefOrAddDefault(targets, key, out _);
            target.Series++;
            target.Bytes += Marshal.SizeOf<MemSeries>() + h.Store.Arena.Get(series.Labels).Length + (series.ChunkBlocks * ChunkBytes.BlockBytes)
                + (series.Sealed == 0 ? 0 : h.Store.Arena.Get(series.Sealed).Length)
                + (series.Encoding == ChunkEncoding.FloatHistogram ? h.Samples.Histogram(in series).Bytes.Length : 0);
        }
    }

    // The report's texts may be of symbols that were forgotten between two looks; such a target has no series any more.
    private static string Text(MemoryHead head, int symbol) => symbol < 0 || !head.Store.Symbols.IsUsed(symbol) ? string.Empty : Encoding.UTF8.GetString(head.Store.Symbols.Text(symbol));
}

using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Compaction;

/// <summary>
/// Sorts numbers by what the head knows about them, taking the head's lock for one small piece after another, because commits wait
/// while it is held.
/// </summary>
internal static class PiecewiseSort
{
    private const int Piece = 2048;

    /// <summary>The items in order, in their own array or another. What they are compared by must not change meanwhile.</summary>
    public static int[] Sort(MemoryHead head, int[] items, Comparison<int> compare, CancellationToken cancellation)
    {
        for (var first = 0; first < items.Length; first += Piece)
        {
            cancellation.ThrowIfCancellationRequested();
            var start = first;
            head.Read(_ =>
            {
                items.AsSpan(start, Math.Min(Piece, items.Length - start)).Sort(compare);
                return 0;
            });
        }

        var merged = new int[items.Length];
        for (long run = Piece; run < items.Length; run *= 2)
        {
            for (long first = 0; first < items.Length; first += 2 * run)
            {
                var middle = (int)Math.Min(first + run, items.Length);
                Merge(head, items, merged, (int)first, middle, (int)Math.Min(first + (2 * run), items.Length), compare, cancellation);
            }

            (items, merged) = (merged, items);
        }

        return items;
    }

    private static void Merge(
        MemoryHead head, int[] from, int[] to, int first, int middle, int end, Comparison<int> compare, CancellationToken cancellation)
    {
        var (left, right, next) = (first, middle, first);
        while (next < end)
        {
            cancellation.ThrowIfCancellationRequested();
            head.Read(_ =>
            {
                for (var stop = Math.Min(next + Piece, end); next < stop; next++)
                {
                    var takeLeft = left < middle && (right == end || compare(from[left], from[right]) <= 0);
                    to[next] = takeLeft ? from[left++] : from[right++];
                }

                return 0;
            });
        }
    }
}

using System.Numerics;
using MetricsOperator.PromQL.Engine;

namespace MetricsOperator.PromQL.Functions;

/// <summary>Sorting; it shows only in instant queries, since range results are always sorted by labels.</summary>
internal static class SortFunctions
{
    public static IEnumerable<Column> Ascending(FunctionCall call) => ByValue(call, 1);

    public static IEnumerable<Column> Descending(FunctionCall call) => ByValue(call, -1);

    public static IEnumerable<Column> ByLabel(FunctionCall call) => ByLabels(call, 1);

    public static IEnumerable<Column> ByLabelDescending(FunctionCall call) => ByLabels(call, -1);

    /// <summary>Compares texts as people do: runs of digits by their number.</summary>
    public static int CompareNaturally(string a, string b)
    {
        int i = 0, j = 0;
        while (i < a.Length && j < b.Length)
        {
            var left = Run(a, ref i);
            var right = Run(b, ref j);
            var order = char.IsAsciiDigit(left[0]) && char.IsAsciiDigit(right[0])
                ? BigInteger.Parse(left).CompareTo(BigInteger.Parse(right))
                : left.SequenceCompareTo(right);
            if (order != 0)
            {
                return order;
            }
        }

        return (a.Length - i).CompareTo(b.Length - j);
    }

    private static List<Column> ByValue(FunctionCall call, int direction)
    {
        var kept = new List<Column>();
        foreach (var column in call.Stream(0))
        {
            column.DropHistograms();
            if (column.IsEmpty)
            {
                call.Query.Budget.Release(column);
            }
            else
            {
                kept.Add(column);
            }
        }

        if (call.Frame.Steps > 1)
        {
            return kept;
        }

        // A stable sort with NaN last in both directions.
        return [.. kept.OrderBy(c => c.Values[0], Comparer<double>.Create((a, b) =>
            double.IsNaN(a) || double.IsNaN(b) ? double.IsNaN(a).CompareTo(double.IsNaN(b)) : direction * a.CompareTo(b)))];
    }

    private static List<Column> ByLabels(FunctionCall call, int direction)
    {
        var columns = call.Vector(0);
        var names = Enumerable.Range(1, call.ArgumentCount - 1).Select(call.Text).ToArray();
        columns.Sort((a, b) =>
        {
            var (left, right) = (call.Query.VisibleLabels(a), call.Query.VisibleLabels(b));
            foreach (var name in names)
            {
                var order = CompareNaturally(left.Get(name), right.Get(name));
                if (order != 0)
                {
                    return direction * order;
                }
            }

            return direction * left.CompareTo(right);
        });
        return columns;
    }

    private static ReadOnlySpan<char> Run(string text, ref int position)
    {
        var start = position;
        var digits = char.IsAsciiDigit(text[position]);
        while (position < text.Length && char.IsAsciiDigit(text[position]) == digits)
        {
            position++;
        }

        return text.AsSpan(start, position - start);
    }
}

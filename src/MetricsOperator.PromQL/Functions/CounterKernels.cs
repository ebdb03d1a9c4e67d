using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using MetricsOperator.PromQL.Engine;

namespace MetricsOperator.PromQL.Functions;

/// <summary>
/// rate, increase and delta over all steps of a series: the counter resets are found once, so that a window costs the same whatever its
/// length.
/// </summary>
internal static class CounterKernels
{
    public static void Rate(in SlidingSamples samples, ref WindowCursor windows, Column column) =>
        Slide(samples, ref windows, column, isCounter: true, isRate: true);

    public static void Increase(in SlidingSamples samples, ref WindowCursor windows, Column column) =>
        Slide(samples, ref windows, column, isCounter: true, isRate: false);

    public static void Delta(in SlidingSamples samples, ref WindowCursor windows, Column column) =>
        Slide(samples, ref windows, column, isCounter: false, isRate: false);

    /// <summary>Finds the next value that is below the one before it; the length when there is none.</summary>
    /// <param name="values">Values of a counter.</param>
    /// <param name="from">Where to start, at least 1.</param>
    public static int NextDrop(ReadOnlySpan<double> values, int from)
    {
        var current = MemoryMarshal.Cast<double, Vector<double>>(values[Math.Min(from, values.Length)..]);
        var before = MemoryMarshal.Cast<double, Vector<double>>(values[Math.Min(from - 1, values.Length)..]);
        var wide = 0;
        while (wide < current.Length && !Vector.LessThanAny(current[wide], before[wide]))
        {
            wide++;
        }

        return NextDropScalar(values, from + (wide * Vector<double>.Count));
    }

    /// <summary>The twin of <see cref="NextDrop"/>, one by one.</summary>
    public static int NextDropScalar(ReadOnlySpan<double> values, int from)
    {
        for (var i = from; i < values.Length; i++)
        {
            if (values[i] < values[i - 1])
            {
                return i;
            }
        }

        return values.Length;
    }

    private static void Slide(in SlidingSamples samples, ref WindowCursor windows, Column column, bool isCounter, bool isRate)
    {
        var times = samples.Times;
        var values = samples.Values;
        var rangeSeconds = samples.Grid.RangeMs / 1000.0;
        var results = column.Values;
        int[]? rented = null;
        var drops = isCounter ? Drops(values, ref rented) : default;
        var firstDrop = 0;
        while (windows.MoveNext(samples.Budget))
        {
            var (low, high) = (windows.Low, windows.High);
            if (high - low < 2)
            {
                continue;
            }

            var difference = values[high - 1] - values[low];
            while (firstDrop < drops.Length && drops[firstDrop] <= low)
            {
                firstDrop++;
            }

            for (var i = firstDrop; i < drops.Length && drops[i] < high; i++)
            {
                // The counter started over from zero.
                difference += values[drops[i] - 1];
            }

            var factor = CounterFunctions.Factor(
                windows.StartMs, windows.EndMs, times[low], times[high - 1], high - low, isCounter, values[low], difference);
            results[windows.Step] = difference * (isRate ? factor / rangeSeconds : factor);
            column.Present.Set(windows.Step);
        }

        if (rented is not null)
        {
            ArrayPool<int>.Shared.Return(rented);
        }
    }

    private static ReadOnlySpan<int> Drops(ReadOnlySpan<double> values, ref int[]? rented)
    {
        var count = 0;
        for (var drop = NextDrop(values, 1); drop < values.Length; drop = NextDrop(values, drop + 1))
        {
            rented ??= ArrayPool<int>.Shared.Rent(values.Length);
            rented[count++] = drop;
        }

        return rented.AsSpan(0, count);
    }
}

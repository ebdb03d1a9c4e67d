using System.Buffers;
using MetricsOperator.PromQL.Engine;

namespace MetricsOperator.PromQL.Functions;

/// <summary>The <c>*_over_time</c> functions over all steps of a series, with what the window before is good for.</summary>
internal static class OverTimeKernels
{
    public static void Max(in SlidingSamples samples, ref WindowCursor windows, Column column) => Extreme(samples, ref windows, column, sign: 1);

    public static void Min(in SlidingSamples samples, ref WindowCursor windows, Column column) => Extreme(samples, ref windows, column, sign: -1);

    public static void Count(in SlidingSamples samples, ref WindowCursor windows, Column column)
    {
        while (windows.MoveNext(samples.Budget))
        {
            column.Set(windows.Step, windows.Count);
        }
    }

    public static void Present(in SlidingSamples samples, ref WindowCursor windows, Column column)
    {
        while (windows.MoveNext(samples.Budget))
        {
            column.Set(windows.Step, 1);
        }
    }

    public static void Last(in SlidingSamples samples, ref WindowCursor windows, Column column)
    {
        while (windows.MoveNext(samples.Budget))
        {
            column.Set(windows.Step, samples.Values[windows.High - 1]);
        }
    }

    public static void Sum(in SlidingSamples samples, ref WindowCursor windows, Column column)
    {
        while (windows.MoveNext(samples.Budget))
        {
            column.Set(windows.Step, KahanSum.Sum(samples.Values[windows.Low..windows.High]));
        }
    }

    public static void Average(in SlidingSamples samples, ref WindowCursor windows, Column column)
    {
        while (windows.MoveNext(samples.Budget))
        {
            var mean = default(RunningMean);
            foreach (var value in samples.Values[windows.Low..windows.High])
            {
                mean.Add(value);
            }

            column.Set(windows.Step, mean.Value);
        }
    }

    /// <summary>Keeps the window's values sorted from step to step.</summary>
    public static void Quantile(in SlidingSamples samples, ref WindowCursor windows, Column column)
    {
        var sorted = new SortedWindow();
        try
        {
            while (windows.MoveNext(samples.Budget))
            {
                var q = samples.Call.Scalar(0, windows.Step);
                Quantiles.WarnIfInvalid(q, samples.Call.Annotations, samples.Call.PositionOf(0));
                column.Set(windows.Step, Quantiles.OfSorted(q, sorted.Slide(samples.Values, windows.Low, windows.High)));
            }
        }
        finally
        {
            sorted.Dispose();
        }
    }

    // The candidates are values none of which is followed by a better one: the first of them is the extreme of the window.
    private static void Extreme(in SlidingSamples samples, ref WindowCursor windows, Column column, int sign)
    {
        var values = samples.Values;
        var candidates = ArrayPool<int>.Shared.Rent(Math.Max(1, values.Length));
        int head = 0, tail = 0, next = 0;
        while (windows.MoveNext(samples.Budget))
        {
            next = Math.Max(next, windows.Low);
            for (; next < windows.High; next++)
            {
                var value = values[next];
                if (double.IsNaN(value))
                {
                    continue;
                }

                // Of equal values the first one stays.
                while (tail > head && sign * value > sign * values[candidates[tail - 1]])
                {
                    tail--;
                }

                candidates[tail++] = next;
            }

            while (head < tail && candidates[head] < windows.Low)
            {
                head++;
            }

            // Without candidates all values are NaN.
            column.Set(windows.Step, head < tail ? values[candidates[head]] : values[windows.High - 1]);
        }

        ArrayPool<int>.Shared.Return(candidates);
    }
}

/// <summary>The values of a window in order, NaN first; moves with the window by taking values out and putting values in.</summary>
internal struct SortedWindow
{
    private double[]? _values;
    private int _count;
    private int _low;
    private int _high;

    /// <summary>Moves to a window that does not begin or end before the present one.</summary>
    public ReadOnlySpan<double> Slide(ReadOnlySpan<double> values, int low, int high)
    {
        if (_values is null || _values.Length < high - low + 1)
        {
            Dispose();
            _values = ArrayPool<double>.Shared.Rent(Math.Max(16, 2 * (high - low)));
            _count = _low = _high = 0;
        }

        var changes = (low - _low) + (high - _high);
        if (_high <= low || changes > (high - low) / 2)
        {
            values[low..high].CopyTo(_values);
            _count = high - low;
            _values.AsSpan(0, _count).Sort();
        }
        else
        {
            foreach (var value in values[_low..low])
            {
                Remove(value);
            }

            foreach (var value in values[_high..high])
            {
                Insert(value);
            }
        }

        (_low, _high) = (low, high);
        return _values.AsSpan(0, _count);
    }

    public void Dispose()
    {
        if (_values is not null)
        {
            ArrayPool<double>.Shared.Return(_values);
            _values = null;
        }
    }

    private void Insert(double value)
    {
        var index = _values.AsSpan(0, _count).BinarySearch(value);
        index = index < 0 ? ~index : index;
        Array.Copy(_values!, index, _values!, index + 1, _count - index);
        _values![index] = value;
        _count++;
    }

    private void Remove(double value)
    {
        var index = _values.AsSpan(0, _count).BinarySearch(value);

        // Zeros of either sign are equal for the search, but the one that leaves is meant.
        var bits = BitConverter.DoubleToInt64Bits(value);
        if (value == 0 && BitConverter.DoubleToInt64Bits(_values![index]) != bits)
        {
            index = Array.FindIndex(_values, 0, _count, v => BitConverter.DoubleToInt64Bits(v) == bits);
        }

        _count--;
        Array.Copy(_values!, index + 1, _values!, index, _count - index);
    }
}

using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Functions;

/// <summary>Slides a window over each series of a range and computes a sample at each step.</summary>
/// <param name="function">What to compute.</param>
/// <param name="rangeArgument">Position of the range among the arguments.</param>
/// <param name="keepName">True if the result is still the metric.</param>
/// <param name="expectsCounter">True if the name should look like that of a counter.</param>
/// <param name="kernel">Computes all steps of a series of floats at once, or null.</param>
internal sealed class RangeBody(
    RangeFunction function, int rangeArgument = 0, bool keepName = false, bool expectsCounter = false, RangeKernel? kernel = null) : FunctionBody
{
    private const int SamplesBetweenChecks = 1 << 16;

    public override IEnumerable<Column> Columns(FunctionCall call) => ColumnMerger.RequireDistinct(call.Evaluator, Slide(call));

    private IEnumerable<Column> Slide(FunctionCall call)
    {
        var context = new RangeCall(call, rangeArgument);
        var series = kernel is null || call.Evaluator.Statistics.IsPerStep ? null : new SeriesKernel(kernel, context, call, dropName: !keepName);
        using var source = RangeSource.Open(call.Evaluator, call.Argument(rangeArgument), series);
        context.Source = source;
        while (source.MoveNext())
        {
            var column = Slide(call, context, series);
            if (column.IsEmpty)
            {
                column.Release();
                continue;
            }

            if (expectsCounter && !column.Present.IsEmpty)
            {
                CheckCounter(call, context);
            }

            call.Query.Budget.Charge(column);
            yield return column;
        }
    }

    private Column Slide(FunctionCall call, RangeCall context, SeriesKernel? series)
    {
        var source = context.Source;
        if ((source.Slid ?? series?.Slide(source.Labels, source.Samples, source.Grid)) is { } slid)
        {
            slid.Column.DropName |= source.DropName;
            call.Query.Budget.Touch(slid.LargestWindow);
            call.Evaluator.Statistics.CountAll(slid.WindowSamples);
            return slid.Column;
        }

        var column = new Column(source.Labels, call.Frame.Steps, source.DropName || !keepName);
        Slide(call, context, column);
        return column;
    }

    private void Slide(FunctionCall call, RangeCall context, Column column)
    {
        var samples = context.Source.Samples;
        var grid = context.Source.Grid;
        var times = samples.FloatTimes;
        var values = samples.Floats;
        var histogramTimes = samples.HistogramTimes;
        var histograms = samples.Histograms;
        int low = 0, high = 0, histogramLow = 0, histogramHigh = 0;
        long sinceCheck = 0;
        for (var step = 0; step < grid.Steps; step++)
        {
            var end = grid.End(step);
            var start = end - grid.RangeMs;
            Move(times, start, end, ref low, ref high);
            Move(histogramTimes, start, end, ref histogramLow, ref histogramHigh);
            if (low == high && histogramLow == histogramHigh)
            {
                continue;
            }

            long weight = high - low;
            for (var i = histogramLow; i < histogramHigh; i++)
            {
                weight += Column.HistogramWeight(histograms[i]!);
            }

            call.Query.Budget.Touch(weight);
            sinceCheck += weight;
            if (sinceCheck > SamplesBetweenChecks)
            {
                call.Query.Budget.ThrowIfStopped();
                sinceCheck = 0;
            }

            call.Evaluator.Statistics.Count(step, weight);
            var window = new Window
            {
                Times = times[low..high],
                Values = values[low..high],
                HistogramTimes = histogramTimes[histogramLow..histogramHigh],
                Histograms = histograms[histogramLow..histogramHigh],
                StartMs = start,
                EndMs = end,
                EvaluationMs = call.Frame.At(step),
                Step = step,
                Call = context,
            };
            if (!function(window, out var value, out var histogram))
            {
                continue;
            }

            if (histogram is not null)
            {
                column.Set(step, histogram);
            }
            else
            {
                column.Set(step, value);
            }
        }
    }

    private static void Move(ReadOnlySpan<long> times, long start, long end, ref int low, ref int high)
    {
        while (high < times.Length && times[high] <= end)
        {
            high++;
        }

        while (low < high && times[low] <= start)
        {
            low++;
        }
    }

    private static void CheckCounter(FunctionCall call, RangeCall context)
    {
        var labels = context.Source.Labels;
        var name = labels.GetUtf8(LabelNames.MetricNameUtf8);
        if (call.Query.TypeAndUnitLabels)
        {
            var type = labels.Get("__type__");
            if (type != "counter" && type != "histogram")
            {
                context.Annotations.Inform(
                    $"metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {StringLiterals.Quote(type)}: "
                    + StringLiterals.Quote(labels.MetricName),
                    context.Position);
            }
        }
        else if (!name.IsEmpty && !(name.EndsWith("_total"u8) || name.EndsWith("_sum"u8) || name.EndsWith("_count"u8) || name.EndsWith("_bucket"u8)))
        {
            context.Annotations.Inform(
                $"metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {StringLiterals.Quote(labels.MetricName)}", context.Position);
        }
    }
}

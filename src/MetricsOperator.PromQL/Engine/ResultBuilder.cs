using System.Diagnostics;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Engine;

/// <summary>Evaluates the root expression and turns its columns into the value that callers see.</summary>
internal sealed class ResultBuilder(Evaluator evaluator, int limit)
{
    private readonly Frame _frame = evaluator.Frame;
    private long[]? _times;

    public PromValue Build(Expr root, bool isRange, out TimeSpan sorting)
    {
        sorting = TimeSpan.Zero;
        switch (root.Type)
        {
            case PromType.String:
                return new StringValue(_frame.StartMs, StringOf(root));
            case PromType.Scalar when !isRange:
                return new ScalarValue(_frame.StartMs, evaluator.Scalar(root)[0]);
            case PromType.RangeVector:
                return Sorted(RangeSeries(root), out sorting);
            default:
                var columns = ColumnMerger.Finish(evaluator.Query, evaluator.Vector(root));
                return isRange ? Sorted(columns.ConvertAll(ToSeries), out sorting) : ToVector(columns);
        }
    }

    private static string StringOf(Expr root)
    {
        while (root is ParenExpr paren)
        {
            root = paren.Inner;
        }

        return ((StringLiteral)root).Value;
    }

    private VectorValue ToVector(List<Column> columns)
    {
        var samples = new List<VectorSample>(columns.Count);
        foreach (var column in Limited(columns))
        {
            var histogram = column.HistogramAt(0);
            samples.Add(new VectorSample(column.Labels, _frame.StartMs, histogram is null ? column.Values[0] : 0, histogram));
            column.Release();
        }

        return new VectorValue(samples);
    }

    private MatrixValue Sorted(List<MatrixSeries> series, out TimeSpan sorting)
    {
        var started = Stopwatch.GetTimestamp();
        series.Sort((a, b) => a.Labels.CompareTo(b.Labels));
        sorting = Stopwatch.GetElapsedTime(started);
        return new MatrixValue(Limited(series));
    }

    private List<T> Limited<T>(List<T> items)
    {
        if (limit <= 0 || items.Count <= limit)
        {
            return items;
        }

        evaluator.Query.Annotations.WarnFromStorage("results truncated due to limit");
        return items[..limit];
    }

    // A range selector at the top of an instant query yields its samples as they are, a subquery those of its steps.
    private List<MatrixSeries> RangeSeries(Expr root)
    {
        using var source = RangeSource.Open(evaluator, root);
        var series = new List<MatrixSeries>();
        while (source.MoveNext())
        {
            var labels = source.DropName ? LabelProjection.WithoutReserved(source.Labels) : source.Labels;
            var samples = source.Samples;
            long weight = samples.Floats.Length;
            foreach (var histogram in samples.Histograms)
            {
                weight += Column.HistogramWeight(histogram!);
            }

            evaluator.Query.Budget.Charge(weight);
            evaluator.Query.Budget.ChargeBytes(256 + labels.Encoded.Length + (weight * SampleBudget.SampleBytes));
            evaluator.Statistics.Count(0, weight);
            series.Add(new MatrixSeries(
                labels, samples.FloatTimes.ToArray(), samples.Floats.ToArray(), samples.HistogramTimes.ToArray(), samples.Histograms.ToArray()!));
        }

        return series;
    }

    private MatrixSeries ToSeries(Column column)
    {
        var (times, values) = column.Present.Count == column.Steps ? (AllTimes(), column.Values.ToArray()) : Floats(column);
        var histogramTimes = new List<long>();
        var histograms = new List<FloatHistogram>();
        for (var i = 0; column.Histograms is not null && i < column.Steps; i++)
        {
            if (column.Histograms[i] is { } histogram)
            {
                histogramTimes.Add(_frame.At(i));
                histograms.Add(histogram);
            }
        }

        var series = new MatrixSeries(column.Labels, times, values, [.. histogramTimes], [.. histograms]);
        column.Release();
        return series;
    }

    // Series without gaps, which are most, have their times in common.
    private long[] AllTimes()
    {
        if (_times is null)
        {
            evaluator.Query.Budget.ChargeBytes((long)_frame.Steps * sizeof(long));
            _times = new long[_frame.Steps];
            for (var i = 0; i < _times.Length; i++)
            {
                _times[i] = _frame.At(i);
            }
        }

        return _times;
    }

    private (long[] Times, double[] Values) Floats(Column column)
    {
        // The series has its times with it; a column does not.
        var floats = column.Present.Count;
        evaluator.Query.Budget.ChargeBytes((long)floats * sizeof(long));
        var times = new long[floats];
        var values = new double[floats];
        var columnValues = column.Values;
        var next = 0;
        for (var i = 0; next < floats; i++)
        {
            if (column.Present[i])
            {
                times[next] = _frame.At(i);
                values[next++] = columnValues[i];
            }
        }

        return (times, values);
    }
}

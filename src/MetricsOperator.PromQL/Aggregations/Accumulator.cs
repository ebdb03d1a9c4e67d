using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Functions;
using MetricsOperator.PromQL.Histograms;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary>Aggregates the columns of one group, step by step.</summary>
internal abstract class Accumulator
{
    public static Accumulator Create(AggregateOperator op, int steps, AggregationRemarks remarks) => op switch
    {
        AggregateOperator.Sum => new Sum(steps, remarks),
        AggregateOperator.Avg => new Average(steps, remarks),
        AggregateOperator.Min or AggregateOperator.Max => new Extreme(steps, op == AggregateOperator.Max, remarks),
        AggregateOperator.Count or AggregateOperator.Group => new Count(steps, op == AggregateOperator.Group),
        _ => new Spread(steps, op == AggregateOperator.Stddev, remarks),
    };

    public abstract void Add(Column column);

    public abstract void Finish(Column result);

    private sealed class Count(int steps, bool onlyPresence) : Accumulator
    {
        private readonly double[] _counts = new double[steps];

        public override void Add(Column column)
        {
            if (column.Histograms is null)
            {
                StepKernels.CountPresent(_counts, column.Present);
                return;
            }

            for (var i = 0; i < _counts.Length; i++)
            {
                _counts[i] += column.Has(i) ? 1 : 0;
            }
        }

        public override void Finish(Column result)
        {
            for (var i = 0; i < _counts.Length; i++)
            {
                if (_counts[i] > 0)
                {
                    result.Set(i, onlyPresence ? 1 : _counts[i]);
                }
            }
        }
    }

    private sealed class Extreme(int steps, bool max, AggregationRemarks remarks) : Accumulator
    {
        private readonly double[] _best = new double[steps];
        private StepMask _seen = new(steps);

        public override void Add(Column column)
        {
            var values = column.Values;
            for (var i = 0; i < _best.Length; i++)
            {
                if (!column.Present[i])
                {
                    continue;
                }

                if (!_seen[i] || double.IsNaN(_best[i]) || (max ? values[i] > _best[i] : values[i] < _best[i]))
                {
                    _best[i] = values[i];
                    _seen.Set(i);
                }
            }

            if (column.Histograms is not null)
            {
                remarks.HistogramIgnored(max ? "max" : "min");
            }
        }

        public override void Finish(Column result)
        {
            _best.CopyTo(result.Values);
            result.Present.Or(_seen);
        }
    }

    /// <summary>Variance by Welford's method.</summary>
    private sealed class Spread(int steps, bool deviation, AggregationRemarks remarks) : Accumulator
    {
        private readonly double[] _counts = new double[steps];
        private readonly double[] _means = new double[steps];
        private readonly double[] _sums = new double[steps];

        public override void Add(Column column)
        {
            var values = column.Values;
            for (var i = 0; i < _counts.Length; i++)
            {
                if (!column.Present[i])
                {
                    continue;
                }

                _counts[i]++;
                if (_counts[i] == 1)
                {
                    _means[i] = values[i];
                    _sums[i] = double.IsFinite(values[i]) ? 0 : double.NaN;
                    continue;
                }

                var delta = values[i] - _means[i];
                _means[i] += delta / _counts[i];
                _sums[i] += delta * (values[i] - _means[i]);
            }

            if (column.Histograms is not null)
            {
                remarks.HistogramIgnored(deviation ? "stddev" : "stdvar");
            }
        }

        public override void Finish(Column result)
        {
            for (var i = 0; i < _counts.Length; i++)
            {
                if (_counts[i] > 0)
                {
                    var variance = _sums[i] / _counts[i];
                    result.Set(i, deviation ? Math.Sqrt(variance) : variance);
                }
            }
        }
    }

    /// <summary>Accumulators that aggregate floats or histograms, but not both at one step.</summary>
    private abstract class FloatOrHistogram(int steps, AggregationRemarks remarks) : Accumulator
    {
        protected StepMask HasFloat = new(steps);
        private StepMask _hasHistogram = new(steps);
        private StepMask _incompatible = new(steps);

        protected AggregationRemarks Remarks { get; } = remarks;

        public override void Add(Column column)
        {
            AddFloats(column);
            for (var i = 0; column.Histograms is not null && i < steps; i++)
            {
                if (column.Histograms[i] is not { } histogram)
                {
                    continue;
                }

                _hasHistogram.Set(i);
                if (!_incompatible[i] && AddHistogram(i, histogram) is var mismatch && mismatch != HistogramMismatch.None)
                {
                    Remarks.Incompatible(mismatch, QueryContext.NameOf(column));
                    _incompatible.Set(i);
                }
            }
        }

        public override void Finish(Column result)
        {
            for (var i = 0; i < steps; i++)
            {
                if (HasFloat[i] && _hasHistogram[i])
                {
                    Remarks.Mixed();
                }
                else if (HasFloat[i])
                {
                    result.Set(i, FloatAt(i));
                }
                else if (_hasHistogram[i] && !_incompatible[i])
                {
                    result.Set(i, HistogramAt(i));
                }
            }
        }

        protected abstract void AddFloats(Column column);

        protected abstract HistogramMismatch AddHistogram(int step, FloatHistogram histogram);

        protected abstract double FloatAt(int step);

        protected abstract FloatHistogram HistogramAt(int step);
    }

    private sealed class Sum(int steps, AggregationRemarks remarks) : FloatOrHistogram(steps, remarks)
    {
        private readonly double[] _sums = new double[steps];
        private readonly double[] _compensations = new double[steps];
        private FloatHistogram?[]? _histograms;

        protected override void AddFloats(Column column) =>
            StepKernels.AddCompensated(column.Values, column.Present, _sums, _compensations, ref HasFloat);

        protected override HistogramMismatch AddHistogram(int step, FloatHistogram histogram)
        {
            _histograms ??= new FloatHistogram?[_sums.Length];
            if (_histograms[step] is { } sum)
            {
                return sum.Add(histogram);
            }

            _histograms[step] = histogram.Copy();
            return HistogramMismatch.None;
        }

        protected override double FloatAt(int step) => _sums[step] + _compensations[step];

        protected override FloatHistogram HistogramAt(int step) => _histograms![step]!.Compact();
    }

    private sealed class Average(int steps, AggregationRemarks remarks) : FloatOrHistogram(steps, remarks)
    {
        private readonly RunningMean[] _means = new RunningMean[steps];
        private HistogramMean?[]? _histograms;

        protected override void AddFloats(Column column)
        {
            var values = column.Values;
            for (var i = 0; i < _means.Length; i++)
            {
                if (column.Present[i])
                {
                    _means[i].Add(values[i]);
                    HasFloat.Set(i);
                }
            }
        }

        protected override HistogramMismatch AddHistogram(int step, FloatHistogram histogram)
        {
            _histograms ??= new HistogramMean?[_means.Length];
            if (_histograms[step] is { } mean)
            {
                return mean.Add(histogram);
            }

            _histograms[step] = new HistogramMean(histogram);
            return HistogramMismatch.None;
        }

        protected override double FloatAt(int step) => _means[step].Value;

        protected override FloatHistogram HistogramAt(int step) => _histograms![step]!.Value.Compact();
    }
}

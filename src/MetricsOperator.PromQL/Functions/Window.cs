using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Functions;

/// <summary>What stays the same for all windows of one call.</summary>
internal sealed class RangeCall(FunctionCall call, int rangeArgument)
{
    private readonly double[]?[] _scalars = new double[]?[call.ArgumentCount];

    public Annotations Annotations => call.Query.Annotations;

    /// <summary>Where the range argument stands.</summary>
    public PositionRange Position { get; } = call.Position(rangeArgument);

    /// <summary>The series being walked, for remarks about it.</summary>
    public RangeSource Source { get; set; } = null!;

    public string QuotedName => StringLiterals.Quote(Source.Labels.MetricName);

    /// <summary>The value of a scalar argument at a step.</summary>
    public double Scalar(int index, int step) => (_scalars[index] ??= call.Scalar(index))[step];

    /// <summary>Evaluates the scalar arguments, so that other threads may ask for their values.</summary>
    public void EvaluateScalars()
    {
        for (var i = 0; i < _scalars.Length; i++)
        {
            if (i != rangeArgument)
            {
                _ = Scalar(i, 0);
            }
        }
    }

    public PositionRange PositionOf(int index) => call.Position(index);

    public void WarnMixed() => Annotations.Warn($"encountered a mix of histograms and floats for metric name {QuotedName}", Position);

    public void InformHistogramsIgnored() => Annotations.Inform(
        $"ignored histograms in a range containing both floats and histograms for metric name {QuotedName}", Position);
}

/// <summary>The samples of one series in one window, floats and histograms apart, in time order.</summary>
internal readonly ref struct Window
{
    public required ReadOnlySpan<long> Times { get; init; }

    public required ReadOnlySpan<double> Values { get; init; }

    public required ReadOnlySpan<long> HistogramTimes { get; init; }

    public required ReadOnlySpan<FloatHistogram?> Histograms { get; init; }

    /// <summary>Start of the range; samples are after it.</summary>
    public required long StartMs { get; init; }

    /// <summary>End of the range; samples are not after it.</summary>
    public required long EndMs { get; init; }

    /// <summary>The time at which the step is evaluated.</summary>
    public required long EvaluationMs { get; init; }

    public required int Step { get; init; }

    public required RangeCall Call { get; init; }

    public double Scalar(int argument) => Call.Scalar(argument, Step);
}

/// <summary>Computes one sample from a window; false when there is none. A histogram wins over the value.</summary>
internal delegate bool RangeFunction(in Window window, out double value, out FloatHistogram? histogram);

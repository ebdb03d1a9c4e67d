using System.Buffers;
using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Server.RemoteWrite;

/// <summary>
/// Plain series of a request (see <c>WriteRequestReader.PlainLabels</c>) on their way to the storage, so many that what is done once for all of them
/// costs nothing per sample. Its buffers are pooled.
/// </summary>
internal sealed class PlainSeriesBatch : IDisposable
{
    private const int MaxSeries = 256;
    private const int MaxSamples = 512;

    private readonly LabelsKey[] _keys = ArrayPool<LabelsKey>.Shared.Rent(MaxSeries);
    private readonly SeriesRef[] _series = ArrayPool<SeriesRef>.Shared.Rent(MaxSeries);
    private readonly (int Start, int Length)[] _labels = ArrayPool<(int Start, int Length)>.Shared.Rent(MaxSeries);
    private readonly int[] _ends = ArrayPool<int>.Shared.Rent(MaxSeries);
    private readonly SeriesSample[] _samples = ArrayPool<SeriesSample>.Shared.Rent(MaxSamples);
    private readonly AppendOutcome[] _outcomes = ArrayPool<AppendOutcome>.Shared.Rent(MaxSamples);
    private int _sampleCount;

    /// <summary>Series in the batch.</summary>
    public int Count { get; private set; }

    /// <summary>True when no other series can be begun.</summary>
    public bool IsFull => Count == MaxSeries || HasNoRoom;

    /// <summary>True when no other sample can be added.</summary>
    public bool HasNoRoom => _sampleCount == MaxSamples;

    /// <summary>True if the first series has samples in the batch before.</summary>
    public bool GoesOn { get; private set; }

    /// <summary>Labels of the series.</summary>
    public ReadOnlySpan<LabelsKey> Keys => _keys.AsSpan(0, Count);

    /// <summary>What the labels stand for; to be filled from <see cref="Keys"/>.</summary>
    public Span<SeriesRef> Series => _series.AsSpan(0, Count);

    /// <summary>After <see cref="Address"/>: the samples of the series that are not none.</summary>
    public ReadOnlySpan<SeriesSample> Samples => _samples.AsSpan(0, _sampleCount);

    /// <summary>What became of <see cref="Samples"/>.</summary>
    public Span<AppendOutcome> Outcomes => _outcomes.AsSpan(0, _sampleCount);

    /// <summary>Begins a series.</summary>
    /// <param name="key">Its labels.</param>
    /// <param name="start">Where in the request its encoded labels are.</param>
    /// <param name="length">How long these are.</param>
    /// <param name="goesOn">True if it has samples in the batch before.</param>
    public void Begin(LabelsKey key, int start, int length, bool goesOn = false)
    {
        GoesOn |= goesOn;
        _keys[Count] = key;
        _labels[Count] = (start, length);
        _ends[Count] = _sampleCount;
        Count++;
    }

    /// <summary>Adds a sample of the series that was begun last.</summary>
    public void Add(long timestampMs, double value)
    {
        _samples[_sampleCount++] = new SeriesSample(SeriesRef.None, timestampMs, value);
        _ends[Count - 1] = _sampleCount;
    }

    /// <summary>Gives the samples their series; samples of none are dropped.</summary>
    public void Address()
    {
        var (start, kept) = (0, 0);
        for (var i = 0; i < Count; i++)
        {
            var end = _ends[i];
            if (!_series[i].IsNone)
            {
                for (var sample = start; sample < end; sample++)
                {
                    _samples[kept++] = _samples[sample] with { Series = _series[i] };
                }
            }

            _ends[i] = kept;
            start = end;
        }

        _sampleCount = kept;
    }

    /// <summary>After <see cref="Address"/>: which of <see cref="Samples"/> are of a series.</summary>
    public Range SamplesOf(int index) => (index == 0 ? 0 : _ends[index - 1]).._ends[index];

    /// <summary>Encoded labels of a series in the request that it came from.</summary>
    public ReadOnlySpan<byte> LabelsOf(int index, ReadOnlySpan<byte> request) => request.Slice(_labels[index].Start, _labels[index].Length);

    public void Clear()
    {
        Count = 0;
        GoesOn = false;
        _sampleCount = 0;
    }

    public void Dispose()
    {
        ArrayPool<LabelsKey>.Shared.Return(_keys);
        ArrayPool<SeriesRef>.Shared.Return(_series);
        ArrayPool<(int Start, int Length)>.Shared.Return(_labels);
        ArrayPool<int>.Shared.Return(_ends);
        ArrayPool<SeriesSample>.Shared.Return(_samples);
        ArrayPool<AppendOutcome>.Shared.Return(_outcomes);
    }
}

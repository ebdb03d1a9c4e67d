using System.Buffers;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>
/// Merges readers whose time ranges overlap. Of samples with the same timestamp the one of the first reader stays, so that callers
/// order readers from the most to the least trusted.
/// </summary>
internal sealed class MergingSampleReader : SampleReader
{
    private const int BatchSize = 64;

    private readonly Cursor[] _cursors;
    private long _last = long.MinValue;
    private bool _hasLast;

    public MergingSampleReader(IReadOnlyList<SampleReader> readers) => _cursors = [.. readers.Select(r => new Cursor(r))];

    public override SampleKind NextKind() => Earliest()?.Kind ?? SampleKind.None;

    public override int ReadFloats(Span<long> timestampsMs, Span<double> values)
    {
        var room = Math.Min(timestampsMs.Length, values.Length);
        var count = 0;
        while (count < room && Earliest() is { Kind: SampleKind.Float } cursor)
        {
            timestampsMs[count] = cursor.Time;
            values[count++] = cursor.Value;
            Take(cursor);
        }

        return count;
    }

    public override int ReadHistograms(Span<long> timestampsMs, Span<FloatHistogram?> values)
    {
        var room = Math.Min(timestampsMs.Length, values.Length);
        var count = 0;
        while (count < room && Earliest() is { Kind: SampleKind.Histogram } cursor)
        {
            // What a histogram knows about the one before it is true in its own chunk only.
            var histogram = cursor.Histogram!;
            if (histogram.ResetHint is CounterResetHint.NotReset)
            {
                histogram.ResetHint = CounterResetHint.Unknown;
            }

            timestampsMs[count] = cursor.Time;
            values[count++] = histogram;
            Take(cursor);
        }

        return count;
    }

    public override void SkipTo(long timestampMs)
    {
        foreach (var cursor in _cursors)
        {
            cursor.SkipTo(timestampMs);
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        foreach (var cursor in _cursors)
        {
            cursor.Dispose();
        }
    }

    private void Take(Cursor cursor)
    {
        _last = cursor.Time;
        _hasLast = true;
        cursor.Advance();
    }

    private Cursor? Earliest()
    {
        Cursor? earliest = null;
        foreach (var cursor in _cursors)
        {
            while (cursor.Load() && _hasLast && cursor.Time <= _last)
            {
                cursor.Advance();
            }

            if (cursor.Kind != SampleKind.None && (earliest is null || cursor.Time < earliest.Time))
            {
                earliest = cursor;
            }
        }

        return earliest;
    }

    /// <summary>The next samples of one reader.</summary>
    private sealed class Cursor(SampleReader reader) : IDisposable
    {
        private readonly long[] _times = ArrayPool<long>.Shared.Rent(BatchSize);
        private readonly double[] _values = ArrayPool<double>.Shared.Rent(BatchSize);
        private readonly FloatHistogram?[] _histograms = new FloatHistogram?[1];
        private int _position;
        private int _count;

        public SampleKind Kind { get; private set; }

        public long Time => _times[_position];

        public double Value => _values[_position];

        public FloatHistogram? Histogram => _histograms[0];

        /// <summary>Makes sure that the next sample is at hand; false at the end.</summary>
        public bool Load()
        {
            if (_position < _count)
            {
                return true;
            }

            Kind = reader.NextKind();
            _position = 0;
            _count = Kind switch
            {
                SampleKind.Float => reader.ReadFloats(_times.AsSpan(0, BatchSize), _values.AsSpan(0, BatchSize)),
                SampleKind.Histogram => reader.ReadHistograms(_times.AsSpan(0, 1), _histograms),
                _ => 0,
            };
            return _count > 0;
        }

        public void Advance() => _position++;

        public void SkipTo(long timestampMs)
        {
            while (_position < _count && Time < timestampMs)
            {
                _position++;
            }

            if (_position == _count)
            {
                reader.SkipTo(timestampMs);
            }
        }

        public void Dispose()
        {
            reader.Dispose();
            ArrayPool<long>.Shared.Return(_times);
            ArrayPool<double>.Shared.Return(_values);
        }
    }
}

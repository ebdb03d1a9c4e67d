namespace MetricsOperator.Timeseries.Histograms;

/// <summary>Walks one side of a histogram by bucket index, upwards or downwards, gaps left out.</summary>
internal struct BucketCursor
{
    private readonly BucketSpan[] _spans;
    private readonly double[] _buckets;
    private readonly bool _downwards;
    private int _span;
    private long _inSpan;
    private int _bucket;
    private int _index;

    public BucketCursor(BucketSpan[] spans, double[] buckets, bool downwards = false)
    {
        _spans = spans;
        _buckets = buckets;
        _downwards = downwards;
        if (!downwards)
        {
            _index = spans.Length > 0 ? spans[0].Offset : 0;
            return;
        }

        foreach (var span in spans)
        {
            _index += span.Offset + (int)span.Length;
        }

        _index--;
        _span = spans.Length - 1;
        _inSpan = _span >= 0 ? (long)spans[_span].Length - 1 : 0;
        _bucket = buckets.Length - 1;
    }

    /// <summary>Index of the current bucket.</summary>
    public int Index { get; private set; }

    /// <summary>Count of the current bucket.</summary>
    public double Count { get; private set; }

    public bool MoveNext()
    {
        if (!(_downwards ? FindSpanBelow() : FindSpanAbove()))
        {
            return false;
        }

        Index = _index;
        Count = _buckets[_bucket];
        var step = _downwards ? -1 : 1;
        _index += step;
        _bucket += step;
        _inSpan += step;
        return true;
    }

    private bool FindSpanAbove()
    {
        while (_span < _spans.Length && _inSpan >= _spans[_span].Length)
        {
            _span++;
            _inSpan = 0;
            _index += _span < _spans.Length ? _spans[_span].Offset : 0;
        }

        return _span < _spans.Length;
    }

    private bool FindSpanBelow()
    {
        while (_span >= 0 && _inSpan < 0)
        {
            _index -= _spans[_span].Offset;
            _span--;
            _inSpan = _span >= 0 ? (long)_spans[_span].Length - 1 : 0;
        }

        return _span >= 0;
    }
}

using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>
/// Merges the series of several cursors, each series once. Cursors that are walked side by side go in label order; the head may stand
/// apart: its series are then looked up by their labels, and those that no other cursor has come last.
/// </summary>
internal sealed class MergedSeriesSet : ISeriesSet
{
    private readonly List<SeriesCursor> _inputs;
    private readonly List<SeriesCursor> _current = [];
    private readonly List<string> _warnings;
    private readonly CancellationToken _cancellation;
    private readonly int _limit;
    private readonly HeadSeriesCursor? _apart;
    private int _returned;
    private LabelSet? _labels;

    /// <param name="inputs">Head first, then blocks: for equal timestamps the earlier one wins.</param>
    /// <param name="apart">The head, if it is not among the inputs.</param>
    /// <param name="warnings">Remarks so far; the set adds to them.</param>
    /// <param name="limit">Most series, 0 for all.</param>
    /// <param name="cancellation">Stops the walk.</param>
    public MergedSeriesSet(
        List<SeriesCursor> inputs, HeadSeriesCursor? apart, List<string> warnings, int limit, CancellationToken cancellation)
    {
        _inputs = inputs;
        _apart = apart;
        _warnings = warnings;
        _limit = limit;
        _cancellation = cancellation;
        foreach (var input in inputs.ToList())
        {
            Advance(input);
        }
    }

    public LabelSet Labels =>
        _current.Count == 0 ? throw new InvalidOperationException("there is no current series") : _labels ??= _current[0].Labels;

    public IReadOnlyList<string> Warnings => _warnings;

    public bool MoveNext()
    {
        _cancellation.ThrowIfCancellationRequested();
        foreach (var input in _current)
        {
            if (input != _apart)
            {
                Advance(input);
            }
        }

        _current.Clear();
        _labels = null;
        if (_inputs.Count > 0)
        {
            MoveInputs();
        }
        else if (_apart is not null)
        {
            _apart.MoveNext();
            if (_apart.HasSeries)
            {
                _current.Add(_apart);
            }
        }

        return _current.Count > 0 && (_limit == 0 || _returned++ < _limit);
    }

    public SampleReader OpenReader()
    {
        if (_current.Count == 1)
        {
            return _current[0].Open();
        }

        // Earlier starts first; where they are equal the order stays.
        var byTime = new SeriesCursor[_current.Count];
        for (var i = 0; i < byTime.Length; i++)
        {
            var at = i;
            for (var start = _current[i].Range.MinTime; at > 0 && byTime[at - 1].Range.MinTime > start; at--)
            {
                byTime[at] = byTime[at - 1];
            }

            byTime[at] = _current[i];
        }

        var overlap = false;
        var end = byTime[0].Range.MaxTime;
        for (var i = 1; i < byTime.Length; i++)
        {
            overlap |= byTime[i].Range.MinTime <= end;
            end = Math.Max(end, byTime[i].Range.MaxTime);
        }

        return overlap
            ? new MergingSampleReader(_current.ConvertAll(c => c.Open()))
            : new ConcatenatedSampleReader(Array.ConvertAll(byTime, c => c.Open()));
    }

    private void MoveInputs()
    {
        foreach (var input in _inputs)
        {
            var order = _current.Count == 0 ? -1
                : input.Encoded.SequenceEqual(_current[0].Encoded) ? 0
                : LabelSet.Compare(input.Encoded, _current[0].Encoded);
            if (order < 0)
            {
                _current.Clear();
            }

            if (order <= 0)
            {
                _current.Add(input);
            }
        }

        if (_current.Count > 1)
        {
            var labels = Labels;
            for (var i = 1; i < _current.Count; i++)
            {
                _current[i].Adopt(labels);
            }
        }

        if (_apart is not null)
        {
            var labels = Labels;
            if (_apart.TryMoveTo(labels))
            {
                _current.Insert(0, _apart);
            }
        }
    }

    // A damaged index ends its block's part of the answer, not the answer.
    private void Advance(SeriesCursor input)
    {
        try
        {
            input.MoveNext();
        }
        catch (StorageException e)
        {
            _warnings.Add(e.Message);
            _inputs.Remove(input);
            return;
        }

        if (!input.HasSeries)
        {
            _inputs.Remove(input);
        }
    }
}

using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>Merges the series of several cursors, each series once. With more than one cursor all of them go in label order.</summary>
internal sealed class MergedSeriesSet : ISeriesSet
{
    private readonly List<SeriesCursor> _inputs;
    private readonly List<SeriesCursor> _current = [];
    private readonly List<string> _warnings;
    private readonly CancellationToken _cancellation;
    private readonly int _limit;
    private int _returned;
    private LabelSet? _labels;

    /// <param name="inputs">Head first, then blocks: for equal timestamps the earlier one wins.</param>
    /// <param name="warnings">Remarks so far; the set adds to them.</param>
    /// <param name="limit">Most series, 0 for all.</param>
    /// <param name="cancellation">Stops the walk.</param>
    public MergedSeriesSet(List<SeriesCursor> inputs, List<string> warnings, int limit, CancellationToken cancellation)
    {
        _inputs = inputs;
        _warnings = warnings;
        _limit = limit;
        _cancellation = cancellation;
        foreach (var input in inputs.ToList())
        {
            Advance(input);
        }
    }

    public LabelSet Labels => _labels ?? throw new InvalidOperationException("there is no current series");

    public IReadOnlyList<string> Warnings => _warnings;

    public bool MoveNext()
    {
        _cancellation.ThrowIfCancellationRequested();
        foreach (var input in _current)
        {
            Advance(input);
        }

        _current.Clear();
        _labels = null;
        foreach (var input in _inputs)
        {
            var order = _labels is null ? -1 : input.Labels!.CompareTo(_labels);
            if (order < 0)
            {
                _current.Clear();
                _labels = input.Labels;
            }

            if (order <= 0)
            {
                _current.Add(input);
            }
        }

        return _labels is not null && (_limit == 0 || _returned++ < _limit);
    }

    public SampleReader OpenReader()
    {
        if (_current.Count == 1)
        {
            return _current[0].Open();
        }

        var overlap = false;
        var byTime = _current.OrderBy(c => c.Range.MinTime).ToList();
        var end = byTime[0].Range.MaxTime;
        for (var i = 1; i < byTime.Count; i++)
        {
            overlap |= byTime[i].Range.MinTime <= end;
            end = Math.Max(end, byTime[i].Range.MaxTime);
        }

        return overlap
            ? new MergingSampleReader(_current.ConvertAll(c => c.Open()))
            : new ConcatenatedSampleReader(byTime.ConvertAll(c => c.Open()));
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

        if (input.Labels is null)
        {
            _inputs.Remove(input);
        }
    }
}

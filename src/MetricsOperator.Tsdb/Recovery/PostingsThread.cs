using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>Reads the index by label of a state on a thread of its own, while another reads the series. The symbols are there already.</summary>
internal sealed class PostingsThread : IDisposable
{
    private readonly HeadStateFile _file;
    private readonly SeriesStore _store;
    private readonly Thread _thread;
    private string? _problem;
    private ulong _labelSum;
    private Exception? _error;

    public PostingsThread(HeadStateFile file, SeriesStore store)
    {
        (_file, _store) = (file, store);
        _thread = new Thread(Run) { IsBackground = true, Name = "head state postings" };
        _thread.Start();
    }

    /// <summary>Waits until everything is read.</summary>
    /// <param name="labelSum">Sum of <see cref="LabelOrder.Mix"/> over all labels of all series of the index.</param>
    /// <returns>What is wrong with the file; null when nothing is.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public string? Finish(out ulong labelSum)
    {
        _thread.Join();
        labelSum = _labelSum;
        return _error switch
        {
            null => _problem,
            IOException => throw new IOException(_error.Message, _error),
            _ => throw new InvalidOperationException($"BUG: {_error.Message}", _error),
        };
    }

    public void Dispose() => _thread.Join();

    private void Run()
    {
        try
        {
            _problem = Read();
        }
        catch (Exception e)
        {
            _error = e;
        }
    }

    private string? Read()
    {
        byte[] buffer = [];
        _store.Postings.Prepare(_file.End.Pairs);
        var at = _file.End.PostingsStart;
        while (at < _file.End.PostingsEnd)
        {
            if (_file.ReadBlock(at, ref buffer, out var content) is { } problem)
            {
                return problem;
            }

            if (content[0] != HeadStateFormat.Postings || !_store.Postings.Restore(content[1..], _file.End.Series, _store.Symbols, ref _labelSum))
            {
                return $"the block of postings at offset {at} is malformed";
            }

            at += HeadStateFormat.BlockHeader + content.Length;
        }

        return at == _file.End.PostingsEnd ? null : "the postings do not end where they should";
    }
}

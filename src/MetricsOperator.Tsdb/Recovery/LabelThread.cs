using System.Collections.Concurrent;
using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>A buffer for a block of series that two threads read; it is free again when both are done.</summary>
internal sealed class SeriesBlock
{
    private readonly object _gate = new();
    private int _readers;

    public byte[] Buffer { get; private set; } = [];

    /// <summary>Bytes of the block in the buffer.</summary>
    public int Length { get; private set; }

    /// <summary>Number of its first series.</summary>
    public int FirstNumber { get; private set; }

    /// <summary>Exchanges the buffer with one that holds a block, once nobody reads the present one.</summary>
    /// <returns>The buffer that was here.</returns>
    public byte[] Fill(byte[] buffer, int length, int firstNumber)
    {
        lock (_gate)
        {
            while (_readers > 0)
            {
                Monitor.Wait(_gate);
            }

            var before = Buffer;
            (Buffer, Length, FirstNumber, _readers) = (buffer, length, firstNumber, 2);
            return before;
        }
    }

    /// <summary>Says that one of the two readers is done.</summary>
    public void Done()
    {
        lock (_gate)
        {
            _readers--;
            Monitor.PulseAll(_gate);
        }
    }
}

/// <summary>Enters the labels of series into the index on a thread of its own, block by block.</summary>
internal sealed class LabelThread : IDisposable
{
    private const int Buffers = 3;

    private readonly BlockingCollection<SeriesBlock> _blocks = new(Buffers);
    private readonly LabelRestorer _labels;
    private readonly Thread _thread;
    private volatile bool _hasFailed;
    private readonly SeriesBlock[] _buffers = [.. Enumerable.Range(0, Buffers).Select(_ => new SeriesBlock())];
    private Exception? _defect;
    private int _next;

    public LabelThread(SeriesStore store)
    {
        _labels = new LabelRestorer(store.Symbols, store.Postings);
        _thread = new Thread(Run) { IsBackground = true, Name = "head state labels" };
        _thread.Start();
    }

    /// <summary>Hands a buffer over whose first byte is the kind of the block; waits while others are ahead of it.</summary>
    /// <param name="buffer">The buffer; another one, which may be shorter, when this returns.</param>
    /// <param name="length">Bytes of the block.</param>
    /// <param name="firstNumber">Number of its first series.</param>
    /// <returns>The block, which the caller says <see cref="SeriesBlock.Done"/> of.</returns>
    public SeriesBlock Add(ref byte[] buffer, int length, int firstNumber)
    {
        var block = _buffers[_next++ % Buffers];
        buffer = block.Fill(buffer, length, firstNumber);
        _blocks.Add(block);
        return block;
    }

    /// <summary>Waits until all blocks are done.</summary>
    /// <returns>False when a series has labels that are not there.</returns>
    public bool Finish()
    {
        _blocks.CompleteAdding();
        _thread.Join();
        return _defect is null ? !_hasFailed && _labels.Finish() : throw new InvalidOperationException($"BUG: {_defect.Message}", _defect);
    }

    public void Dispose()
    {
        _blocks.CompleteAdding();
        _thread.Join();
        _blocks.Dispose();
    }

    private void Run()
    {
        foreach (var block in _blocks.GetConsumingEnumerable())
        {
            try
            {
                _hasFailed = _hasFailed || !Enter(block);
            }
            catch (Exception e)
            {
                (_hasFailed, _defect) = (true, e);
            }
            finally
            {
                block.Done();
            }
        }
    }

    private unsafe bool Enter(SeriesBlock block)
    {
        var number = block.FirstNumber;
        fixed (byte* content = block.Buffer)
        {
            for (var at = 1; SeriesEntry.Next(content, block.Length, ref at, out var entry);)
            {
                if (!_labels.Add(number++, entry.Labels))
                {
                    return false;
                }
            }
        }

        return true;
    }
}

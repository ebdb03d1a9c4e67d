using System.Runtime.ExceptionServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine;

/// <summary>Reads series one after another into items; what is read into an item's slot stays until the slot is read into again.</summary>
internal abstract class SeriesReader<T> : IDisposable
    where T : class
{
    /// <summary>Reads the samples of a series; null when there are none that matter.</summary>
    public abstract T? Read(int slot, LabelSet labels, SampleReader samples);

    public virtual void Dispose()
    {
    }
}

/// <summary>
/// Hands out the items of a set of series in order, while other threads decode the series that follow. The set itself is walked by the
/// caller's thread only, which does what is left when no other thread is free. A few series are read without all that.
/// </summary>
/// <param name="series">The set.</param>
/// <param name="newReader">Makes a reader; each is used by one thread at a time.</param>
/// <param name="batchSize">Series that are read in one go.</param>
/// <param name="workers">Other threads at a time; 0 for none.</param>
internal sealed class ReadAhead<T>(ISeriesSet series, Func<SeriesReader<T>> newReader, int batchSize, int workers)
    where T : class
{
    /// <summary>The items; each is valid until the next one is asked for.</summary>
    public IEnumerable<T> Items()
    {
        using (var reader = newReader())
        {
            for (var count = 0; workers == 0 || count < batchSize; count++)
            {
                if (!series.MoveNext())
                {
                    yield break;
                }

                if (Read(reader, 0) is { } item)
                {
                    yield return item;
                }
            }
        }

        var pending = new Queue<Batch>();
        var free = new Stack<Batch>();
        try
        {
            for (var more = true; more || pending.Count > 0;)
            {
                while (more && pending.Count < workers * 2)
                {
                    var next = free.TryPop(out var used) ? used : new Batch(newReader(), batchSize);
                    pending.Enqueue(next);
                    more = next.Fill(series) && more;
                    next.Start();
                }

                var batch = pending.Peek();
                batch.Finish(pending);
                for (var slot = 0; slot < batch.Count; slot++)
                {
                    if (batch[slot] is { } item)
                    {
                        yield return item;
                    }
                }

                free.Push(pending.Dequeue());
            }
        }
        finally
        {
            // Nobody may read on when the storage's view is closed.
            foreach (var batch in pending)
            {
                batch.Dispose();
            }

            foreach (var batch in free)
            {
                batch.Dispose();
            }
        }
    }

    private T? Read(SeriesReader<T> reader, int slot)
    {
        using var samples = series.OpenReader();
        return reader.Read(slot, series.Labels, samples);
    }

    /// <summary>Some series that are read by one thread.</summary>
    private sealed class Batch(SeriesReader<T> reader, int size) : IThreadPoolWorkItem, IDisposable
    {
        private const int Filling = 0;
        private const int Waiting = 1;
        private const int Taken = 2;

        private readonly (LabelSet Labels, SampleReader Samples)[] _series = new (LabelSet, SampleReader)[size];
        private readonly T?[] _items = new T?[size];
        private readonly ManualResetEventSlim _done = new();
        private int _state;
        private ExceptionDispatchInfo? _failure;

        public int Count { get; private set; }

        public T? this[int slot] => _items[slot];

        /// <summary>Takes the next series of the set; false when there are no more.</summary>
        public bool Fill(ISeriesSet set)
        {
            Count = 0;
            while (Count < size)
            {
                if (!set.MoveNext())
                {
                    return false;
                }

                _series[Count] = (set.Labels, set.OpenReader());
                _items[Count++] = null;
            }

            return true;
        }

        /// <summary>Offers the batch to other threads.</summary>
        public void Start()
        {
            _done.Reset();
            Volatile.Write(ref _state, Waiting);
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        /// <summary>Makes sure that the batch has been read; the thread is of use to others in the meantime.</summary>
        public void Finish(IEnumerable<Batch> others)
        {
            if (!TryRead())
            {
                foreach (var other in others)
                {
                    if (_done.IsSet || other.TryRead())
                    {
                        break;
                    }
                }

                _done.Wait();
            }

            _failure?.Throw();
        }

        /// <summary>Makes sure that the batch is not read from now on, and gives everything back.</summary>
        public void Dispose()
        {
            if (Interlocked.CompareExchange(ref _state, Filling, Waiting) == Taken)
            {
                _done.Wait();
            }

            for (var i = 0; i < Count; i++)
            {
                _series[i].Samples?.Dispose();
            }

            reader.Dispose();
            _done.Dispose();
        }

        // An offer that comes late finds the batch taken, or filled anew, which is as good.
        void IThreadPoolWorkItem.Execute() => TryRead();

        private bool TryRead()
        {
            if (Interlocked.CompareExchange(ref _state, Taken, Waiting) != Waiting)
            {
                return false;
            }

            var wasEvaluating = QueryThread.IsEvaluating;
            QueryThread.IsEvaluating = true;
            try
            {
                for (var i = 0; i < Count; i++)
                {
                    var (labels, samples) = _series[i];
                    _items[i] = reader.Read(i, labels, samples);
                    samples.Dispose();
                    _series[i] = default;
                }
            }
#pragma warning disable CA1031 // The thread that waits for the batch throws it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }

            QueryThread.IsEvaluating = wasEvaluating;
            _done.Set();
            return true;
        }
    }
}

namespace MetricsOperator.Tsdb.Head;

/// <content>Forgetting what is in blocks.</content>
internal sealed partial class MemoryHead
{
    /// <summary>Refuses samples before a time from here on; what was accepted before is in memory when this returns.</summary>
    public void RefuseBefore(long minTime) => Change(head => Volatile.Write(ref head._minValidTime, Math.Max(head._minValidTime, minTime)));

    /// <summary>
    /// Forgets samples before a time, which are in a block now, and series without newer ones. Waits for readers of that time.
    /// </summary>
    /// <param name="minTime">First time that stays.</param>
    /// <param name="removed">References of the series that were forgotten.</param>
    /// <param name="cancellation">Stops the waiting.</param>
    /// <returns>False when readers did not finish in a minute; nothing was forgotten then.</returns>
    public bool Truncate(long minTime, out IReadOnlyList<ulong> removed, CancellationToken cancellation)
    {
        removed = [];
        Change(head => Volatile.Write(ref head._minTime, Math.Max(head._minTime, minTime)));
        if (!WaitWhile(head => head._readers.AnyBefore(minTime), cancellation))
        {
            return false;
        }

        var gone = new List<ulong>();
        lock (_commitGate)
        {
            Change(head => gone = head.Collect(minTime));
        }

        removed = gone;
        Counters.Truncations++;
        return true;
    }

    /// <summary>Closes the open chunks of all series; they are in chunks_head then, and their memory is free. Commits go on between two pieces.</summary>
    public void SealOpenChunks(CancellationToken cancellation)
    {
        const int Piece = 2000;
        for (var first = 0; first < SeriesCount; first += Piece)
        {
            cancellation.ThrowIfCancellationRequested();
            var from = first;
            Change(head =>
            {
                for (var number = from; number < Math.Min(from + Piece, head.SeriesCount); number++)
                {
                    head.Samples.Seal(ref head.Store[number]);
                }
            });
        }
    }

    /// <summary>Forgets the late samples that are in blocks now, once the readers that opened before those blocks are done.</summary>
    /// <returns>False when readers did not finish in a minute; nothing was forgotten then.</returns>
    public bool EndLateFlush(CancellationToken cancellation)
    {
        var open = Read(head => head._readers.Open());
        if (!WaitWhile(head => head._readers.AnyOf(open), cancellation))
        {
            return false;
        }

        Change(head => head.OutOfOrder.EndFlush());
        return true;
    }

    private bool WaitWhile(Func<MemoryHead, bool> isBusy, CancellationToken cancellation)
    {
        for (var attempt = 0; Read(isBusy); attempt++)
        {
            if (attempt == 600)
            {
                return false;
            }

            _readerClosed.Reset();
            _readerClosed.Wait(100, cancellation);
        }

        return true;
    }

    private List<ulong> Collect(long minTime)
    {
        var chunks = Samples.OpenChunks + Samples.SealedChunks;
        var unlogged = _unlogged;
        var spared = 0;
        var oldest = long.MaxValue;
        var removed = Store.RemoveAll(number =>
        {
            ref var series = ref Store[number];
            if (!Samples.DropBefore(ref series, minTime))
            {
                oldest = Math.Min(oldest, Samples.MinTimeOf(in series));
                return false;
            }

            if (OutOfOrder.Has(series.Reference))
            {
                return false;
            }

            // An appender may hold the reference and write a sample in a moment; a later round takes the series.
            if ((byte)(_round - series.TouchedIn) <= 1)
            {
                spared++;
                return false;
            }

            unlogged -= series.IsLogged ? 0 : 1;
            return true;
        });
        _unlogged = unlogged;
        SparedSeries = spared;

        // A gap in time is skipped, so that a clock that jumped by years does not cut thousands of empty blocks.
        if (oldest != long.MaxValue)
        {
            Volatile.Write(ref _minTime, Math.Max(minTime, oldest));
        }

        Tombstones.DropBefore(minTime);
        Counters.SeriesRemoved += removed.Count;
        Counters.ChunksRemoved += chunks - Samples.OpenChunks - Samples.SealedChunks;
        return removed;
    }

    /// <summary>Makes the late samples so far ready to be written to blocks.</summary>
    /// <returns>The first segment of their log that is needed from then on; 0 without a log.</returns>
    public int BeginLateFlush()
    {
        lock (_commitGate)
        {
            Log.Late?.NextSegment();
            Change(head => head.OutOfOrder.BeginFlush());
            return Log.Late?.Segment ?? 0;
        }
    }
}

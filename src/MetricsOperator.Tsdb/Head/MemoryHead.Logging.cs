using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Head;

/// <content>What of a transaction goes to the log besides its samples.</content>
internal sealed partial class MemoryHead
{
    /// <summary>Metadata of the transaction that is being logged; guarded by the commit gate.</summary>
    private readonly List<(string Name, MetricMetadata Metadata)> _newMetadata = [];

    private void LogSeries(HeadBatch batch)
    {
        _newlyLogged.Clear();
        if (Volatile.Read(ref _unlogged) == 0)
        {
            return;
        }

        _lock.EnterReadLock();
        try
        {
            foreach (var series in batch.Created)
            {
                LogSeries(Store.Find(series));
            }

            // Samples of a series that another transaction created must not be in the log before the series.
            foreach (ref readonly var sample in batch.SampleSpan)
            {
                LogSeries(Store.Find(sample.Series, sample.Number));
            }

            foreach (var sample in batch.Late)
            {
                LogSeries(Store.Find(sample.Series, sample.Number));
            }

            foreach (var histogram in batch.Histograms)
            {
                LogSeries(Store.Find(histogram.Series));
            }

            foreach (var exemplar in batch.Exemplars)
            {
                LogSeries(Store.Find(exemplar.Series));
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    private void LogSeries(int number)
    {
        if (number < 0 || Store[number].IsLogged)
        {
            return;
        }

        var reference = Store[number].Reference;
        Log.AddSeries(reference, Store.LabelSetAt(Store[number].Labels));
        Store[number].IsLogged = true;
        _newlyLogged.Add(reference);
    }

    private void MarkLogged()
    {
        _unlogged -= _newlyLogged.Count;
        _newlyLogged.Clear();
    }

    private void UnmarkLogged() => Change(head =>
    {
        foreach (var reference in head._newlyLogged)
        {
            var number = head.Store.Find(reference);
            if (number >= 0)
            {
                head.Store[number].IsLogged = false;
            }
        }

        head._newlyLogged.Clear();
    });

    // What the log refuses is not remembered, or it would count as logged the next time.
    private void LogMetadata(HeadBatch batch)
    {
        foreach (var (series, metadata) in batch.Metadata)
        {
            var name = Read(head =>
            {
                var number = head.Store.Find(series);
                return number < 0 ? null : Encoding.UTF8.GetString(head.Store.ValueOf(head.Store[number].Labels, LabelNames.MetricNameUtf8));
            });
            if (name is not null && Metadata(name) != metadata)
            {
                Log.AddMetadata(series, metadata);
                _newMetadata.Add((name, metadata));
            }
        }
    }

    private void KeepNewMetadata()
    {
        foreach (var (name, metadata) in _newMetadata)
        {
            SetMetadata(name, metadata);
        }

        _newMetadata.Clear();
    }
}

using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Exemplars;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb;

/// <content>What an administrator asks for, and exemplars. Deletions, cleaning and snapshots wait for housekeeping, and it for them.</content>
public sealed partial class TimeSeriesDb
{
    /// <summary>
    /// Deletes the samples in a closed time range of the series that satisfy all matchers. Queries no longer see them when this returns; the
    /// space is free once <see cref="CleanTombstones"/> or housekeeping has written their blocks anew. Samples that come later stay.
    /// </summary>
    /// <exception cref="StorageException">The disk refuses; a part may have been deleted, and asking again deletes the rest.</exception>
    public void Delete(IReadOnlyList<LabelMatcher> matchers, long minMs, long maxMs, CancellationToken cancellation) => Alone("delete from", () =>
    {
        var blocks = _blocks.Use(minMs, maxMs, out var warnings);
        try
        {
            foreach (var warning in warnings)
            {
                _options.Logger.LogWarning("Deletion in {Path}: {Warning}", _options.Path, warning);
            }

            foreach (var block in blocks)
            {
                BlockDeletion.Delete(_options.Files, block, matchers, minMs, maxMs, cancellation);
            }
        }
        finally
        {
            blocks.ForEach(b => b.Release());
        }

        _head.Delete(matchers, minMs, maxMs, cancellation);
    }, cancellation);

    /// <summary>Writes every block with deletions anew without them; a block of which nothing is left goes away.</summary>
    /// <exception cref="StorageException">The disk refuses; blocks that are done stay done.</exception>
    public void CleanTombstones(CancellationToken cancellation) => Alone("clean", () => _maintenance.CleanTombstones(cancellation), cancellation);

    /// <summary>Writes a copy of the database to <c>snapshots/</c> in the data directory, as blocks that any reader opens.</summary>
    /// <param name="skipHead">Leave out what is not in blocks yet.</param>
    /// <param name="cancellation">Stops; nothing remains then.</param>
    /// <returns>Name of the directory: UTC time and 16 hexadecimal digits.</returns>
    /// <exception cref="StorageException">The disk refuses or has no hard links; nothing remains.</exception>
    public string Snapshot(bool skipHead, CancellationToken cancellation)
    {
        var name = string.Empty;
        Alone("take a snapshot of", () => name = new SnapshotWriter(_options.Files, _head, _blocks, _options.Path, _options.Time).Write(skipHead, cancellation), cancellation);
        _options.Logger.LogInformation("Wrote snapshot {Name}", name);
        return name;
    }

    /// <summary>
    /// Exemplars in a closed time range of the series that satisfy all matchers of at least one selector, by labels. Read while the result is
    /// walked; only the newest exemplars are kept.
    /// </summary>
    public IEnumerable<SeriesExemplars> SelectExemplars(
        long minMs, long maxMs, IReadOnlyList<IReadOnlyList<LabelMatcher>> selectors, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _head.Exemplars.Select(minMs, maxMs, selectors, cancellation);
    }

    /// <summary>Changes how many exemplars are kept at most; 0 keeps none.</summary>
    public void SetMaxExemplars(int count) => _head.Exemplars.Resize(count);

    private void Alone(string what, Action act, CancellationToken cancellation)
    {
        while (!_maintenanceGate.TryEnter(TimeSpan.FromMilliseconds(100)))
        {
            cancellation.ThrowIfCancellationRequested();
        }

        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            act();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot {what} {_options.Path}: {e.Message}", e);
        }
        finally
        {
            _maintenanceGate.Exit();
        }
    }
}

using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Contracts;

/// <summary>What a query will do with the series it selects; the storage may use it to read less.</summary>
/// <param name="StartMs">First timestamp wanted, inclusive.</param>
/// <param name="EndMs">Last timestamp wanted, inclusive.</param>
/// <param name="StepMs">Evaluation step, 0 for an instant query.</param>
/// <param name="RangeMs">Range of the surrounding range selector, 0 for an instant selector.</param>
/// <param name="Function">The function or aggregation applied, or empty. "series" means that only labels are wanted.</param>
/// <param name="Limit">Most series wanted, 0 for all.</param>
public sealed record SelectHints(long StartMs, long EndMs, long StepMs = 0, long RangeMs = 0, string Function = "", int Limit = 0);

/// <summary>A storage that answers queries.</summary>
public interface IQueryable
{
    /// <summary>Opens a consistent view of the samples with <paramref name="minMs"/> &lt;= t &lt;= <paramref name="maxMs"/>.</summary>
    ISeriesQuerier OpenQuerier(long minMs, long maxMs);
}

/// <summary>A consistent view of one time range. Everything it hands out is valid until it is disposed; not thread-safe.</summary>
public interface ISeriesQuerier : IDisposable
{
    /// <summary>Selects the series that satisfy all matchers, each series once, its samples merged from head and blocks.</summary>
    /// <param name="sorted">True to get them in label order.</param>
    /// <param name="hints">What is wanted of them.</param>
    /// <param name="matchers">At least one.</param>
    /// <param name="cancellation">Stops the selection.</param>
    ISeriesSet Select(bool sorted, SelectHints hints, IReadOnlyList<LabelMatcher> matchers, CancellationToken cancellation);

    /// <summary>Sorted values of a label among the series that satisfy the matchers (all series when empty); at most <paramref name="limit"/> (0 = all).</summary>
    IReadOnlyList<string> LabelValues(string name, IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation);

    /// <summary>Sorted label names among the series that satisfy the matchers (all series when empty); at most <paramref name="limit"/> (0 = all).</summary>
    IReadOnlyList<string> LabelNames(IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation);
}

/// <summary>Selected series, one after another.</summary>
public interface ISeriesSet
{
    /// <summary>Labels of the current series.</summary>
    LabelSet Labels { get; }

    /// <summary>Non-fatal remarks, complete once <see cref="MoveNext"/> returned false.</summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>Goes to the next series.</summary>
    bool MoveNext();

    /// <summary>
    /// A reader over the current series' samples in the querier's range, in time order. The caller disposes it; it stays valid after MoveNext.
    /// Readers of different series may be used by different threads at a time.
    /// </summary>
    SampleReader OpenReader();
}

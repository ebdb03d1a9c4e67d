using MetricsOperator.PromQL.Tests.Conformance;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.PromQL.Tests.Engine;

/// <summary>Runs an action before each selection.</summary>
internal sealed class HookedStorage(MemoryStorage inner, Action beforeSelect) : IQueryable
{
    public ISeriesQuerier OpenQuerier(long minMs, long maxMs) => new Querier(inner.OpenQuerier(minMs, maxMs), beforeSelect);

    private sealed class Querier(ISeriesQuerier inner, Action beforeSelect) : ISeriesQuerier
    {
        public ISeriesSet Select(bool sorted, SelectHints hints, IReadOnlyList<LabelMatcher> matchers, CancellationToken cancellation)
        {
            beforeSelect();
            return inner.Select(sorted, hints, matchers, cancellation);
        }

        public IReadOnlyList<string> LabelValues(string name, IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation) =>
            inner.LabelValues(name, matchers, limit, cancellation);

        public IReadOnlyList<string> LabelNames(IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation) =>
            inner.LabelNames(matchers, limit, cancellation);

        public void Dispose() => inner.Dispose();
    }
}

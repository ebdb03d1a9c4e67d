using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Exemplars;

namespace MetricsOperator.Tsdb.Head;

/// <content>Exemplars of series of the head.</content>
internal sealed partial class MemoryHead
{
    /// <summary>The newest exemplars.</summary>
    public ExemplarStore Exemplars { get; init; } = new(0, 0);

    /// <summary>True if an exemplar would be kept; others do not go into the log.</summary>
    public bool AcceptsExemplar(ulong series, Exemplar exemplar) => Exemplars.Check(series, exemplar) && HasSeries(series);

    /// <summary>Adds an exemplar to the series with a reference, or an alias of it; false when there is no such series.</summary>
    public bool AddExemplar(ulong reference, Exemplar exemplar)
    {
        var (series, labels) = Read(head =>
        {
            var number = head.Store.Find(reference);
            if (number < 0)
            {
                return (0UL, null);
            }

            ref var found = ref head.Store[number];
            return (found.Reference, head.Exemplars.Has(found.Reference) ? null : head.Store.LabelSetAt(found.Labels));
        });
        if (series != 0)
        {
            Exemplars.Add(series, labels, exemplar);
        }

        return series != 0;
    }
}

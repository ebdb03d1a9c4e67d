using MetricsOperator.PromQL.Engine;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary>A series of a selecting aggregation and the steps at which it is chosen so far.</summary>
internal sealed class Candidate(Column column, int number)
{
    private StepMask _steps = new(column.Steps);

    public Column Column { get; } = column;

    /// <summary>Its place among all series.</summary>
    public int Number { get; } = number;

    /// <summary>At how many steps it is chosen.</summary>
    public int Chosen { get; private set; }

    public void Choose(int step)
    {
        _steps.Set(step);
        Chosen++;
    }

    public void Displace(int step)
    {
        _steps.Clear(step);
        Chosen--;
    }

    /// <summary>The column with the steps at which it is chosen.</summary>
    public Column Finish()
    {
        Column.Keep(_steps);
        return Column;
    }
}

/// <summary>Chooses series of one group, step by step, as they come: what is not chosen at any step any more need not be held.</summary>
internal abstract class SeriesChoice
{
    /// <summary>Offers the next series of the group.</summary>
    /// <param name="series">The series; without a chosen step afterwards it is not wanted.</param>
    /// <param name="displaced">Told of series that are not chosen at any step any more.</param>
    public abstract void Offer(Candidate series, Action<Candidate> displaced);

    /// <summary>The chosen series; at a single step in the order of the choice.</summary>
    public abstract IEnumerable<Candidate> Chosen();
}

/// <summary>The first k series that have a sample at a step.</summary>
internal sealed class FirstSeriesChoice(long[] counts) : SeriesChoice
{
    private readonly long[] _taken = new long[counts.Length];
    private readonly List<Candidate> _chosen = [];

    public override void Offer(Candidate series, Action<Candidate> displaced)
    {
        for (var step = 0; step < counts.Length; step++)
        {
            if (_taken[step] < counts[step] && series.Column.Has(step))
            {
                _taken[step]++;
                series.Choose(step);
            }
        }

        if (series.Chosen > 0)
        {
            _chosen.Add(series);
        }
    }

    public override IEnumerable<Candidate> Chosen() => _chosen;
}

/// <summary>A share of the series. A series' hash decides, so that it is in or out at every step; a negative ratio chooses the complement.</summary>
internal sealed class RatioSeriesChoice(double[] ratios, QueryContext query) : SeriesChoice
{
    private readonly List<Candidate> _chosen = [];

    public override void Offer(Candidate series, Action<Candidate> displaced)
    {
        var labels = query.VisibleLabels(series.Column);
        for (var step = 0; step < ratios.Length; step++)
        {
            if (series.Column.Has(step) && IsSampled(labels, Math.Clamp(ratios[step], -1, 1)))
            {
                series.Choose(step);
            }
        }

        if (series.Chosen > 0)
        {
            _chosen.Add(series);
        }
    }

    public override IEnumerable<Candidate> Chosen() => _chosen;

    private static bool IsSampled(LabelSet labels, double ratio)
    {
        var offset = labels.Hash / (double)ulong.MaxValue;
        return ratio >= 0 ? offset < ratio : offset >= 1 + ratio;
    }
}

/// <summary>The k series with the best values at a step. Of equal values the first wins; NaN is worse than any number.</summary>
internal sealed class BestSeriesChoice : SeriesChoice
{
    // A place in a queue: a value, a number and a reference.
    private const int EntryBytes = 32;

    private readonly long[] _counts;
    private readonly SampleBudget _budget;
    private readonly RankOrder _order;
    private readonly PriorityQueue<Candidate, Rank>?[] _best;

    /// <param name="counts">How many series, by step.</param>
    /// <param name="largest">True if large values are good ones.</param>
    /// <param name="budget">Told of the places that are held.</param>
    public BestSeriesChoice(long[] counts, bool largest, SampleBudget budget)
    {
        _counts = counts;
        _budget = budget;
        _order = largest ? RankOrder.Largest : RankOrder.Smallest;
        _best = new PriorityQueue<Candidate, Rank>?[counts.Length];
    }

    public override void Offer(Candidate series, Action<Candidate> displaced)
    {
        var values = series.Column.Values;
        for (var step = 0; step < _counts.Length; step++)
        {
            if (_counts[step] < 1 || !series.Column.Present[step])
            {
                continue;
            }

            // The worst of the best is at hand.
            var best = _best[step] ??= new PriorityQueue<Candidate, Rank>(_order);
            var rank = new Rank(values[step], series.Number);
            if (best.Count < _counts[step])
            {
                best.Enqueue(series, rank);
                series.Choose(step);
                _budget.ChargeBytes(EntryBytes);
            }
            else if (best.TryPeek(out _, out var worst) && _order.Compare(rank, worst) > 0)
            {
                var loser = best.DequeueEnqueue(series, rank);
                series.Choose(step);
                loser.Displace(step);
                if (loser.Chosen == 0)
                {
                    displaced(loser);
                }
            }
        }
    }

    public override IEnumerable<Candidate> Chosen()
    {
        var seen = new HashSet<Candidate>();
        foreach (var best in _best)
        {
            if (best is null)
            {
                continue;
            }

            _budget.RefundBytes((long)best.Count * EntryBytes);
            foreach (var (series, _) in best.UnorderedItems.OrderByDescending(i => i.Priority, _order))
            {
                if (seen.Add(series))
                {
                    yield return series;
                }
            }
        }
    }

    private readonly record struct Rank(double Value, int Number);

    // Better ranks are greater.
    private sealed class RankOrder(int direction) : IComparer<Rank>
    {
        public static readonly RankOrder Largest = new(1);
        public static readonly RankOrder Smallest = new(-1);

        public int Compare(Rank x, Rank y)
        {
            var order = double.IsNaN(x.Value) || double.IsNaN(y.Value)
                ? double.IsNaN(y.Value).CompareTo(double.IsNaN(x.Value))
                : direction * x.Value.CompareTo(y.Value);
            return order != 0 ? order : y.Number.CompareTo(x.Number);
        }
    }
}

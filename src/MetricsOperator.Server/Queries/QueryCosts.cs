using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.Server.Queries;

/// <summary>What one evaluation cost.</summary>
/// <param name="PeakBytes">Most bytes it held at a time.</param>
/// <param name="Samples">Samples it read; 0 when it did not end well.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Failed">True when it ended with an error.</param>
internal readonly record struct QueryCost(long PeakBytes, long Samples, TimeSpan Duration, bool Failed);

/// <summary>What the evaluations of one form of query cost.</summary>
internal sealed record QueryCostReport
{
    public required ulong Fingerprint { get; init; }

    /// <summary>The text of the newest, cut.</summary>
    public required string Query { get; init; }

    public long Count { get; init; }

    /// <summary>How many of them ended with an error.</summary>
    public long Failures { get; init; }

    /// <summary>Most bytes that one held at a time.</summary>
    public long PeakBytes { get; init; }

    /// <summary>Samples that all read.</summary>
    public long Samples { get; init; }

    /// <summary>Samples that the largest read.</summary>
    public long MaxSamples { get; init; }

    /// <summary>Time that all took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Time that the longest took.</summary>
    public TimeSpan MaxDuration { get; init; }

    /// <summary>When the newest ended.</summary>
    public DateTimeOffset Last { get; init; }
}

/// <summary>Costs by form of query since the start, of the forms that were asked last. Thread-safe.</summary>
/// <param name="capacity">How many forms are remembered.</param>
/// <param name="time">The clock.</param>
internal sealed class QueryCosts(int capacity, TimeProvider time)
{
    private const int MaxText = 200;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LinkedListNode<QueryCostReport>> _forms = [];
    private readonly LinkedList<QueryCostReport> _byUse = [];
    private long _forgotten;

    /// <summary>How many forms are remembered.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _forms.Count;
            }
        }
    }

    /// <summary>How often a form was forgotten to make room.</summary>
    public long Forgotten => Interlocked.Read(ref _forgotten);

    /// <summary>Adds an evaluation.</summary>
    public void Add(QueryForm form, string query, in QueryCost cost)
    {
        lock (_gate)
        {
            if (!_forms.TryGetValue(form.Fingerprint, out var node))
            {
                node = new LinkedListNode<QueryCostReport>(new QueryCostReport { Fingerprint = form.Fingerprint, Query = string.Empty });
                _forms.Add(form.Fingerprint, node);
            }
            else
            {
                _byUse.Remove(node);
            }

            var before = node.Value;
            node.Value = before with
            {
                Query = query.Length <= MaxText ? query : query[..MaxText],
                Count = before.Count + 1,
                Failures = before.Failures + (cost.Failed ? 1 : 0),
                PeakBytes = Math.Max(before.PeakBytes, cost.PeakBytes),
                Samples = before.Samples + cost.Samples,
                MaxSamples = Math.Max(before.MaxSamples, cost.Samples),
                Duration = before.Duration + cost.Duration,
                MaxDuration = cost.Duration > before.MaxDuration ? cost.Duration : before.MaxDuration,
                Last = time.GetUtcNow(),
            };
            _byUse.AddFirst(node);
            if (_forms.Count > capacity)
            {
                _forms.Remove(_byUse.Last!.Value.Fingerprint);
                _byUse.RemoveLast();
                _forgotten++;
            }
        }
    }

    /// <summary>The forms whose evaluations held most bytes at a time.</summary>
    public IReadOnlyList<QueryCostReport> Heaviest(int count)
    {
        lock (_gate)
        {
            return [.. _byUse.OrderByDescending(f => f.PeakBytes).ThenByDescending(f => f.Samples).Take(count)];
        }
    }
}

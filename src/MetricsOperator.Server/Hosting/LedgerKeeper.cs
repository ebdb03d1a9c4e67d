using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Queries;
using MetricsOperator.Server.RemoteWrite;
using MetricsOperator.Server.Scraping;
using MetricsOperator.Tsdb;

namespace MetricsOperator.Server.Hosting;

/// <summary>Rewrites the termination message every two seconds with what the process does and uses.</summary>
internal sealed class LedgerKeeper(
    TerminationMessage message, ServerState state, ConfigReloader config, ScrapeMetrics scraping, RemoteWriteMetrics writes, long budgetBytes, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    // Walking the index of a large head costs more than it tells: seldom, and when the head grew a lot.
    private static readonly TimeSpan TopInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MinTopInterval = TimeSpan.FromSeconds(4);
    private const int TopCount = 10;

    private readonly ProcessMemory _memory = new();
    private readonly RateWindow _samples = new(time);
    private readonly RateWindow _newSeries = new(time);
    private long _topTimestamp;
    private long _topSeries = -1;
    private IReadOnlyList<(string, long)> _top = [];

    /// <summary>The storage; null until it is open.</summary>
    public Func<TimeSeriesDb?> Storage { get; set; } = static () => null;

    /// <summary>The queries; null until the data directory is open.</summary>
    public Func<QueryLedger?> Queries { get; set; } = static () => null;

    /// <summary>Writes the message until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            Write();
        }
        while (await timer.WaitForNextTickAsync(cancellation));
    }

    /// <summary>Writes the message now.</summary>
    public void Write()
    {
        var head = Storage()?.HeadStats;
        var queries = Queries();
        queries?.Refresh();
        var running = queries?.Running ?? [];
        var heaviest = running.MaxBy(q => q.HeldBytes);
        message.Heartbeat(new Ledger
        {
            Phase = state.Phase,
            BootId = state.BootId,
            ConfigHash = config.Current.Hash,
            RssBytes = _memory.AnonymousBytes(),
            HeapBytes = GC.GetTotalMemory(forceFullCollection: false),
            BudgetBytes = budgetBytes,
            HeadSeries = head?.NumSeries ?? state.Progress.SeriesSoFar,
            SamplesPerSecond = _samples.Observe(scraping.Samples + writes.Samples),
            NewSeriesPerSecond = _newSeries.Observe(scraping.NewSeries),
            ReplayPercent = state.Progress.Percent,
            QueryBytes = running.Sum(q => q.HeldBytes),
            TopQuery = heaviest?.Fingerprint is { } fingerprint ? (QueryForm.Format(fingerprint), heaviest.HeldBytes) : null,
            Top = Top(head),
        });
    }

    public void Dispose() => _memory.Dispose();

    private IReadOnlyList<(string, long)> Top(HeadStats? head)
    {
        if (head is null)
        {
            return _top;
        }

        var age = time.GetElapsedTime(_topTimestamp);
        if (_topSeries < 0 || age >= TopInterval || (age >= MinTopInterval && head.NumSeries > _topSeries * 5 / 4))
        {
            _top = [.. Storage()!.Cardinality(TopCount).SeriesCountByMetricName.Select(m => (m.Name, m.Value))];
            _topTimestamp = time.GetTimestamp();
            _topSeries = head.NumSeries;
        }

        return _top;
    }
}

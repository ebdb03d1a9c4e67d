namespace MetricsOperator.Server.Scraping;

/// <summary>When targets are scraped: at fixed offsets that spread them over the interval, and once soon after the process started.</summary>
internal static class ScrapeSchedule
{
    /// <summary>How long after the start of scraping a target counts as one that was scraped before: discovery needs a moment to find it again.</summary>
    public static readonly TimeSpan StartPhase = TimeSpan.FromSeconds(10);

    /// <summary>A target whose turn is farther away than this is scraped once before it when the process has just started.</summary>
    public static readonly TimeSpan CatchUpWindow = TimeSpan.FromSeconds(5);

    /// <summary>How long after <paramref name="now"/> the next scrape is due: fixed for a target, spread over the interval.</summary>
    public static TimeSpan Offset(TimeSpan interval, ulong key, ulong seed, DateTimeOffset now)
    {
        var sinceEpoch = now.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks;
        var next = interval.Ticks - (sinceEpoch % interval.Ticks) + (long)((key ^ seed) % (ulong)interval.Ticks);
        return TimeSpan.FromTicks(next > interval.Ticks ? next - interval.Ticks : next);
    }

    /// <summary>
    /// How long after the start a target is scraped ahead of its turn, so that the gap that a restart leaves ends with the restart and not an interval
    /// later; null when its turn comes soon enough. Spread over half of the window, so that the other half keeps the two scrapes apart.
    /// </summary>
    /// <param name="offset">When its turn comes, from <see cref="Offset"/>.</param>
    /// <param name="key">Hash of the target.</param>
    public static TimeSpan? CatchUp(TimeSpan offset, ulong key) =>
        offset <= CatchUpWindow ? null : TimeSpan.FromTicks((long)(key % (ulong)(CatchUpWindow.Ticks / 2)));
}

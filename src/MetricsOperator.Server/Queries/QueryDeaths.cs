using System.Globalization;
using System.Text.Json;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Queries;

/// <summary>What is done about a query because of earlier deaths.</summary>
/// <param name="Refusal">Why it is refused; null when it may run.</param>
/// <param name="MaxBytes">Most bytes it may hold when it runs.</param>
/// <param name="Warning">What its answer is to say; null for nothing.</param>
internal readonly record struct QueryVerdict(string? Refusal, long MaxBytes, string? Warning)
{
    public static readonly QueryVerdict None = new(null, long.MaxValue, null);
}

/// <summary>
/// The queries that killed the server, durable in <c>query-deaths.json</c> beside the data. After the first death a query of that form gets half of
/// the bytes it held; after the second it is refused for a time, with the reason. Thread-safe.
/// </summary>
internal sealed class QueryDeaths
{
    public const string FileName = "query-deaths.json";
    public const string LiftPath = "/api/v1/admin/queries/lift";

    /// <summary>How long a death counts.</summary>
    public static readonly TimeSpan Memory = TimeSpan.FromDays(30);

    private const int Version = 1;
    private const int MaxQueries = 100;
    private const int MaxDeaths = 10;
    private const int MaxFileBytes = 4 * 1024 * 1024;
    private const int MaxText = 500;
    private const long MinBytes = 1024 * 1024;

    private readonly CompanionFiles _files;
    private readonly TimeSpan _refusal;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private volatile Dictionary<ulong, KillerQuery> _killers;

    private QueryDeaths(CompanionFiles files, TimeSpan refusal, TimeProvider time, ILogger logger, Dictionary<ulong, KillerQuery> killers)
    {
        _files = files;
        _refusal = refusal;
        _time = time;
        _logger = logger;
        _killers = killers;
    }

    /// <summary>The queries that are held responsible for a death, and until when each is refused; null when it is not.</summary>
    public IReadOnlyList<(KillerQuery Query, DateTimeOffset? RefusedUntil)> All
    {
        get
        {
            var now = _time.GetUtcNow();
            return [.. _killers.Values.Select(k => (k, RefusedUntil([.. k.Deaths.Where(d => Counts(d, now))], now))).OrderByDescending(k => k.k.Deaths[^1].At)];
        }
    }

    /// <summary>Reads the file; one that cannot be read is told to the logger and replaced by the next death.</summary>
    /// <param name="files">Where it is.</param>
    /// <param name="refusal">How long a query is refused after its last death; zero to do nothing about any.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of deaths and of a file that cannot be read or written.</param>
    public static QueryDeaths Load(CompanionFiles files, TimeSpan refusal, TimeProvider time, ILogger logger)
    {
        var killers = new Dictionary<ulong, KillerQuery>();
        try
        {
            if (files.Read(FileName, MaxFileBytes) is { } content)
            {
                var file = JsonSerializer.Deserialize(content, QueryDeathsJson.Default.QueryDeathsFile) ?? throw new JsonException("want an object, got null");
                if (file.Version != Version)
                {
                    throw new JsonException($"version is {file.Version}, want {Version}");
                }

                var now = time.GetUtcNow();
                foreach (var killer in file.Queries)
                {
                    if (killer is null || killer.Deaths.Count == 0 || killer.Deaths.Any(d => d is null))
                    {
                        throw new JsonException("want a query with its deaths");
                    }

                    // A clock that went back must not make a refusal last.
                    killers[QueryForm.TryParse(killer.Fingerprint, out var fingerprint)
                        ? fingerprint
                        : throw new JsonException($"fingerprint is \"{killer.Fingerprint}\", want 16 hexadecimal digits")] =
                        killer with { Deaths = [.. killer.Deaths.Select(d => d.At > now ? d with { At = now } : d)] };
                }
            }
        }
        catch (Exception e) when (e is StorageException or JsonException)
        {
            killers.Clear();
            logger.LogWarning("{File}: which queries killed the server earlier is not known: {Error}", FileName, e.Message);
        }

        return new QueryDeaths(files, refusal, time, logger, killers);
    }

    /// <summary>
    /// The query to hold responsible for a death by memory: it held more than half of what all running queries held and a sixteenth of the limit
    /// at least, while seven tenths of the limit were in use. Null when no query is: a server that was killed for another reason, or by other load.
    /// </summary>
    public static ActiveQuery? Culprit(IReadOnlyList<ActiveQuery> unfinished)
    {
        var heaviest = unfinished.Where(q => q is { Fingerprint: not null, BootId.Length: > 0, LimitBytes: > 0 }).MaxBy(q => q.PeakBytes);
        return heaviest is not null
            && heaviest.PeakBytes * 2 > unfinished.Sum(q => q.PeakBytes)
            && heaviest.PeakBytes >= heaviest.LimitBytes / 16
            && unfinished.Max(q => q.LimitBytes > 0 ? (double)q.UsedBytes / q.LimitBytes : 0) >= 0.7
            ? heaviest
            : null;
    }

    /// <summary>Holds a query responsible for the last death; the same death once, however often the start is repeated.</summary>
    public void Record(ActiveQuery culprit)
    {
        var now = _time.GetUtcNow();
        var fingerprint = culprit.Fingerprint ?? throw new ArgumentException("want a query with a fingerprint", nameof(culprit));
        int deaths;
        lock (_gate)
        {
            var earlier = _killers.TryGetValue(fingerprint, out var killer) ? killer.Deaths.Where(d => Counts(d, now)).ToList() : [];
            if (earlier.Exists(d => d.BootId == culprit.BootId))
            {
                return;
            }

            earlier.Add(new QueryDeath(culprit.BootId, now, culprit.SpanMs, culprit.PeakBytes, culprit.UsedBytes, culprit.LimitBytes));
            deaths = earlier.Count;
            var text = culprit.Query.Length <= MaxText ? culprit.Query : culprit.Query[..MaxText];
            var killers = new Dictionary<ulong, KillerQuery>(_killers.Where(k => k.Value.Deaths.Any(d => Counts(d, now))))
            {
                [fingerprint] = new KillerQuery(QueryForm.Format(fingerprint), text, earlier[Math.Max(0, deaths - MaxDeaths)..]),
            };
            foreach (var oldest in killers.OrderByDescending(k => k.Value.Deaths[^1].At).Skip(MaxQueries).Select(k => k.Key).ToList())
            {
                killers.Remove(oldest);
            }

            _killers = killers;
            Write();
        }

        _logger.LogWarning(
            "The server was killed for lack of memory while a query held {Held} bytes, {Used} of {Limit} in use; queries of its form (fingerprint {Fingerprint}) {Consequence}: {Query}",
            culprit.PeakBytes, culprit.UsedBytes, culprit.LimitBytes, QueryForm.Format(fingerprint),
            _refusal <= TimeSpan.Zero ? "go on, as --query.killer-refusal says"
                : deaths > 1 ? $"are refused for {DurationText.Format(_refusal)}"
                : $"may hold {Math.Max(MinBytes, culprit.PeakBytes / 2)} bytes from now on and are refused the next time",
            culprit.Query);
    }

    /// <summary>What is done about a query.</summary>
    /// <param name="form">Its form.</param>
    /// <param name="spanMs">How much time it reads: deaths by more than twice as much do not count.</param>
    public QueryVerdict Of(QueryForm form, long spanMs)
    {
        if (_refusal <= TimeSpan.Zero || !_killers.TryGetValue(form.Fingerprint, out var killer))
        {
            return QueryVerdict.None;
        }

        var now = _time.GetUtcNow();
        var deaths = killer.Deaths.Where(d => Counts(d, now) && spanMs >= d.SpanMs / 2).ToList();
        if (deaths.Count == 0)
        {
            return QueryVerdict.None;
        }

        var last = deaths[^1];
        var lift = $"POST {LiftPath}?fingerprint={killer.Fingerprint} (with --web.enable-admin-api) lifts this, --query.killer-refusal=0s turns it off";
        if (RefusedUntil(deaths, now) is { } until)
        {
            return new QueryVerdict(
                $"query refused: {deaths.Count} times the server was killed for lack of memory while a query of this form (fingerprint {killer.Fingerprint}) ran, the last time, found at"
                    + $" {Text(last.At)}, holding {last.PeakBytes} bytes; it is let in again from {Text(until)} on, or over less than half of the time; {lift}",
                0,
                null);
        }

        var maxBytes = Math.Max(MinBytes, deaths.Min(d => d.PeakBytes) / 2);
        return new QueryVerdict(
            null,
            maxBytes,
            $"the server was killed for lack of memory while a query of this form (fingerprint {killer.Fingerprint}) ran, found at {Text(last.At)}; it may hold {maxBytes} bytes now and is refused the next time; {lift}");
    }

    /// <summary>Forgets the deaths of a form of query.</summary>
    /// <returns>False when there are none.</returns>
    /// <exception cref="StorageException">It cannot be written down, so that the next start will remember them.</exception>
    public bool Lift(ulong fingerprint)
    {
        lock (_gate)
        {
            if (!_killers.ContainsKey(fingerprint))
            {
                return false;
            }

            _killers = new Dictionary<ulong, KillerQuery>(_killers.Where(k => k.Key != fingerprint));
            _files.Write(FileName, Content());
        }

        _logger.LogInformation("Queries with fingerprint {Fingerprint} are no longer held responsible for deaths", QueryForm.Format(fingerprint));
        return true;
    }

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static bool Counts(QueryDeath death, DateTimeOffset now) => now - death.At < Memory;

    private DateTimeOffset? RefusedUntil(List<QueryDeath> deaths, DateTimeOffset now) =>
        deaths.Count > 1 && now < deaths[^1].At + _refusal ? deaths[^1].At + _refusal : null;

    private byte[] Content() => JsonSerializer.SerializeToUtf8Bytes(new QueryDeathsFile(Version, [.. _killers.Values]), QueryDeathsJson.Default.QueryDeathsFile);

    private void Write()
    {
        try
        {
            _files.Write(FileName, Content());
        }
        catch (StorageException e)
        {
            _logger.LogWarning("The death by a query is forgotten with this process: {Error}", e.Message);
        }
    }
}

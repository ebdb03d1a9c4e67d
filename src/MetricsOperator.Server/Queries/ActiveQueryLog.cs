using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Queries;

/// <summary>
/// The queries that run, in the file <c>queries.active</c> beside the data, with Prometheus' name and layout: what is in it when a server starts
/// was running when the last one died. An entry is written by one call when the query begins, whenever it holds a quarter more bytes than before,
/// with each heartbeat, and when it ends; nothing waits for the disk, because the file is to survive the process, not the machine. Thread-safe.
/// </summary>
internal sealed class ActiveQueryLog : IDisposable
{
    public const string FileName = "queries.active";

    /// <summary>Bytes of an entry, a comma at its end included.</summary>
    public const int EntrySize = 1000;

    /// <summary>Most entries of a file.</summary>
    public const int MaxEntries = 1000;

    // A start with little memory must not choke on a file that is none of ours.
    private const int MaxFileBytes = 4 * 1024 * 1024;

    /// <summary>Bytes that a query holds before its entry is written again.</summary>
    public const long FirstMark = 64 * 1024;

    // Fixed columns at the start of an entry, so that a change writes only them.
    private const int NumberWidth = 19;
    private static readonly byte[] Head = Columns("{\"peak_bytes\":", ",\"used_bytes\":", ",\"limit_bytes\":");
    private const int PeakAt = 14;
    private const int UsedAt = PeakAt + NumberWidth + 14;
    private const int LimitAt = UsedAt + NumberWidth + 15;
    private static readonly byte[] Blank = new byte[EntrySize - 1];

    private readonly CompanionFile? _file;
    private readonly string _bootId;
    private readonly Func<(long Used, long Limit)> _memory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly List<Entry> _running = [];
    private readonly Stack<int> _free = [];
    private long _unlogged;
    private bool _isFailing;

    private ActiveQueryLog(CompanionFile? file, int entries, string bootId, Func<(long Used, long Limit)> memory, TimeProvider time, ILogger logger)
    {
        _file = file;
        _bootId = bootId;
        _memory = memory;
        _time = time;
        _logger = logger;
        for (var slot = entries - 1; slot >= 0; slot--)
        {
            _free.Push(slot);
        }

        Write("["u8, 0);
        for (var slot = 0; slot < entries; slot++)
        {
            Write(","u8, OffsetOf(slot) + EntrySize - 1);
        }
    }

    /// <summary>Queries that ran without an entry, because all were taken or the file could not be made.</summary>
    public long Unlogged => Interlocked.Read(ref _unlogged);

    /// <summary>The queries that run, oldest first.</summary>
    public IReadOnlyList<ActiveQuery> Running
    {
        get
        {
            lock (_gate)
            {
                return [.. _running.Select(e => e.Describe())];
            }
        }
    }

    /// <summary>Reads what the last life of the server left behind.</summary>
    /// <returns>The queries that did not finish; none when the file cannot be read, of which the logger is told.</returns>
    public static IReadOnlyList<ActiveQuery> ReadUnfinished(CompanionFiles files, ILogger logger)
    {
        var found = new List<ActiveQuery>();
        byte[]? content;
        try
        {
            content = files.Read(FileName, MaxFileBytes);
        }
        catch (StorageException e)
        {
            logger.LogWarning("Which queries ran when the last run ended is not known: {Error}", e.Message);
            return found;
        }

        if (content is null)
        {
            return found;
        }

        var unreadable = 0;
        for (var offset = 1; offset < content.Length; offset += EntrySize)
        {
            var entry = content.AsMemory(offset, Math.Min(EntrySize - 1, content.Length - offset)).Trim((byte)0);
            if (entry.Length == 0 || entry.Span is [(byte)','])
            {
                continue;
            }

            try
            {
                found.Add(ActiveQuery.Parse(entry));
            }
            catch (FormatException e)
            {
                if (++unreadable == 1)
                {
                    logger.LogWarning("{File}: the entry at byte {Offset} is not read: {Error}", FileName, offset, e.Message);
                }
            }
        }

        return found;
    }

    /// <summary>Makes the file anew. One that cannot be made is told to the logger; the queries then run without.</summary>
    /// <param name="files">Where it is.</param>
    /// <param name="entries">How many queries it can hold.</param>
    /// <param name="bootId">Names this life of the process.</param>
    /// <param name="memory">What the scarcest part of the process' memory uses, and its limit, 0 for none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told when the file cannot be made or written.</param>
    public static ActiveQueryLog Create(
        CompanionFiles files, int entries, string bootId, Func<(long Used, long Limit)> memory, TimeProvider time, ILogger logger)
    {
        var slots = Math.Clamp(entries, 1, MaxEntries);
        try
        {
            return new ActiveQueryLog(files.Create(FileName, 1 + ((long)slots * EntrySize)), slots, bootId, memory, time, logger);
        }
        catch (StorageException e)
        {
            logger.LogWarning("Running queries are not written down: {Error}", e.Message);
            return new ActiveQueryLog(null, 0, bootId, memory, time, logger);
        }
    }

    /// <summary>An entry for a query that is about to run; disposing it is its end.</summary>
    /// <param name="query">Its text.</param>
    /// <param name="form">Its form.</param>
    /// <param name="spanMs">How much time it reads, in milliseconds.</param>
    public Entry Prepare(string query, QueryForm form, long spanMs) => new(this, query, form, spanMs);

    private void Start(Entry entry)
    {
        entry.Begins(_time.GetUtcNow(), _memory().Used);
        var bytes = Render(entry);
        lock (_gate)
        {
            _running.Add(entry);
            if (_free.TryPop(out var slot))
            {
                entry.Slot = slot;
                Write(bytes, OffsetOf(slot));
            }
            else
            {
                _unlogged++;
            }
        }
    }

    /// <summary>Writes again what the queries hold and what the process uses.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            foreach (var entry in _running.Where(e => e.PeakBytes >= FirstMark))
            {
                WriteNumbers(entry);
            }
        }
    }

    /// <summary>Closes the file. Queries that still run are no longer written down: a clean stop leaves none behind.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var entry in _running.Where(e => e.Slot >= 0))
            {
                Write(Blank, OffsetOf(entry.Slot));
                entry.Slot = -1;
            }

            _free.Clear();
        }

        _file?.Dispose();
    }

    private static long OffsetOf(int slot) => 1 + ((long)slot * EntrySize);

    private static byte[] Columns(params string[] names)
    {
        var columns = new List<byte>();
        foreach (var name in names)
        {
            columns.AddRange(System.Text.Encoding.UTF8.GetBytes(name));
            columns.AddRange(Enumerable.Repeat((byte)' ', NumberWidth));
        }

        return [.. columns];
    }

    private static void Put(Span<byte> head, int at, long value)
    {
        var column = head.Slice(at, NumberWidth);
        column.Fill((byte)' ');
        Utf8Formatter.TryFormat(value, column, out _);
    }

    private byte[] Render(Entry entry)
    {
        var bytes = new byte[EntrySize - 1];
        WriteHead(bytes, entry);
        var rest = System.Text.Encoding.UTF8.GetBytes(
            $",\"fingerprint\":\"{QueryForm.Format(entry.Form.Fingerprint)}\",\"boot_id\":\"{JsonEncodedText.Encode(_bootId)}\",\"span_ms\":{entry.SpanMs},"
            + $"\"timestamp_sec\":{entry.Started.ToUnixTimeSeconds()},\"query\":\"");
        rest.CopyTo(bytes, Head.Length);
        var at = Head.Length + rest.Length;
        var room = bytes.Length - at - 2;

        // Escapes make a text longer: it is cut until it fits.
        for (var length = Math.Min(entry.Query.Length, room); ; length = length * 3 / 4)
        {
            var cut = length > 0 && length < entry.Query.Length && char.IsHighSurrogate(entry.Query[length - 1]) ? length - 1 : length;
            var text = JsonEncodedText.Encode(System.Text.Encoding.UTF8.GetBytes(entry.Query[..cut]), JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes;
            if (text.Length <= room)
            {
                text.CopyTo(bytes.AsSpan(at));
                "\"}"u8.CopyTo(bytes.AsSpan(at + text.Length));
                return bytes;
            }
        }
    }

    private void WriteHead(Span<byte> into, Entry entry)
    {
        var (used, limit) = _memory();
        Head.CopyTo(into);
        Put(into, PeakAt, entry.PeakBytes);
        Put(into, UsedAt, entry.UsedOf(used));
        Put(into, LimitAt, limit);
    }

    private void Grown(Entry entry)
    {
        lock (_gate)
        {
            WriteNumbers(entry);
        }
    }

    // Under the gate: a clean stop takes the slot away from a query that still runs.
    private void WriteNumbers(Entry entry)
    {
        if (entry.Slot >= 0)
        {
            Span<byte> head = stackalloc byte[Head.Length];
            WriteHead(head, entry);
            Write(head, OffsetOf(entry.Slot));
        }
    }

    private void End(Entry entry)
    {
        lock (_gate)
        {
            _running.Remove(entry);
            if (entry.Slot >= 0)
            {
                Write(Blank, OffsetOf(entry.Slot));
                _free.Push(entry.Slot);
                entry.Slot = -1;
            }
        }
    }

    private void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            _file?.Write(bytes, offset);
            _isFailing = false;
        }
        catch (StorageException e)
        {
            // A query is worth more than its entry.
            if (!_isFailing)
            {
                _isFailing = true;
                _logger.LogWarning("Running queries are not written down: {Error}", e.Message);
            }
        }
    }

    /// <summary>One running query.</summary>
    internal sealed class Entry(ActiveQueryLog owner, string query, QueryForm form, long spanMs) : IDisposable
    {
        private long _usedBefore;
        private long _nextMark = FirstMark;
        private long _held;
        private long _peak;
        private int _ended;

        public string Query { get; } = query;

        public QueryForm Form { get; } = form;

        public long SpanMs { get; } = spanMs;

        public DateTimeOffset Started { get; private set; }

        public long PeakBytes => Volatile.Read(ref _peak);

        internal int Slot { get; set; } = -1;

        /// <summary>Writes down that the query runs from now on.</summary>
        public void Start() => owner.Start(this);

        /// <summary>Tells how many bytes the query holds. Called on its own thread, often.</summary>
        public void Holds(long bytes)
        {
            Volatile.Write(ref _held, bytes);
            Volatile.Write(ref _peak, Math.Max(_peak, bytes));
            if (bytes >= _nextMark)
            {
                _nextMark = bytes + (bytes / 4);
                owner.Grown(this);
            }
        }

        public ActiveQuery Describe() => new()
        {
            Query = Query,
            Started = Started,
            Fingerprint = Form.Fingerprint,
            BootId = owner._bootId,
            SpanMs = SpanMs,
            HeldBytes = Volatile.Read(ref _held),
            PeakBytes = PeakBytes,
        };

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                owner.End(this);
            }
        }

        // What was measured may be older than what the query took since.
        internal long UsedOf(long measured) => Math.Max(measured, _usedBefore + PeakBytes);

        internal void Begins(DateTimeOffset now, long usedBytes) => (Started, _usedBefore) = (now, usedBytes);
    }
}

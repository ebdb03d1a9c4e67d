using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Server.Hosting;

/// <summary>What the termination message tells about the process.</summary>
internal sealed record Ledger
{
    public string Phase { get; init; } = string.Empty;

    public string BootId { get; init; } = string.Empty;

    public string ConfigHash { get; init; } = string.Empty;

    /// <summary>Resident memory of this process without mapped files, in bytes.</summary>
    public long RssBytes { get; init; }

    public long HeapBytes { get; init; }

    public long BudgetBytes { get; init; }

    public long HeadSeries { get; init; }

    public double SamplesPerSecond { get; init; }

    public double NewSeriesPerSecond { get; init; }

    public double ReplayPercent { get; init; }

    /// <summary>Bytes that running queries hold.</summary>
    public long QueryBytes { get; init; }

    /// <summary>The running query that holds most; null when none runs.</summary>
    public (string Fingerprint, long Bytes)? TopQuery { get; init; }

    /// <summary>The metrics with the most series.</summary>
    public IReadOnlyList<(string Metric, long Series)> Top { get; init; } = [];
}

/// <summary>
/// The file that Kubernetes shows as the container's last words. It is rewritten in place while the process lives, so that even a process killed
/// without warning leaves its newest account; the account of dying by lack of memory is prepared beforehand and written without allocating.
/// </summary>
internal sealed class TerminationMessage : IDisposable
{
    /// <summary>Most bytes of the message.</summary>
    public const int MaxBytes = 2048;

    private const int MaxTop = 10;
    private const int MaxMetricLength = 64;
    private const int MaxMessageLength = 400;

    private readonly SafeFileHandle? _file;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private bool _isFailing;
    private byte[] _outOfMemory = [];
    private int _outOfMemoryLength;
    private int _length;
    private Ledger _ledger = new();
    private bool _final;

    /// <param name="path">The file; empty for none. It is created when it does not exist.</param>
    /// <param name="logger">Told when the file cannot be written; the server runs without it.</param>
    public TerminationMessage(string path, ILogger logger)
    {
        _logger = logger;
        if (path.Length == 0)
        {
            return;
        }

        try
        {
            _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logger.LogWarning("Cannot write the termination message: {Error}", e.Message);
        }
    }

    /// <summary>Writes the account of a process that runs.</summary>
    public void Heartbeat(Ledger ledger)
    {
        lock (_gate)
        {
            _ledger = ledger;
            if (!_final)
            {
                Write(Render("Running", ledger, string.Empty));
                var lastWords = Render("OutOfMemory", ledger, "the managed heap is exhausted");
                _outOfMemoryLength = lastWords.Length;
                _outOfMemory = Padded(lastWords);
            }
        }
    }

    /// <summary>Writes the last account; later heartbeats change nothing.</summary>
    /// <param name="kind">OutOfMemory, ConfigRejected, Io, Bug or Stopped.</param>
    /// <param name="message">What happened.</param>
    /// <param name="ledger">The state of the process, when there was no heartbeat yet.</param>
    public void Final(string kind, string message, Ledger? ledger = null)
    {
        lock (_gate)
        {
            if (!_final)
            {
                _final = true;
                Write(Render(kind, ledger ?? _ledger, message));
            }
        }
    }

    /// <summary>Writes the prepared account of dying by lack of memory. Allocates nothing and takes no lock.</summary>
    public void OutOfMemoryNow()
    {
        if (_file is not null)
        {
            RandomAccess.Write(_file, _outOfMemory, 0);
            RandomAccess.SetLength(_file, _outOfMemoryLength);
        }
    }

    public void Dispose() => _file?.Dispose();

    private static byte[] Padded(byte[] message)
    {
        var padded = new byte[MaxBytes];
        padded.AsSpan().Fill((byte)' ');
        message.CopyTo(padded, 0);
        return padded;
    }

    private static byte[] Render(string kind, Ledger ledger, string message)
    {
        // What does not fit goes: first metrics from the end of the list, then the end of the text.
        var (top, length) = (MaxTop, MaxMessageLength);
        while (true)
        {
            var buffer = new ArrayBufferWriter<byte>(MaxBytes);
            using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                WriteJson(json, kind, ledger, Cut(message, length), top);
            }

            if (buffer.WrittenCount <= MaxBytes)
            {
                return buffer.WrittenSpan.ToArray();
            }

            (top, length) = top > 0 ? (top - 1, length) : (top, length / 2);
        }
    }

    private static void WriteJson(Utf8JsonWriter json, string kind, Ledger ledger, string message, int top)
    {
        json.WriteStartObject();
        json.WriteNumber("v"u8, 1);
        json.WriteString("class"u8, kind);
        json.WriteString("phase"u8, ledger.Phase);
        json.WriteString("bootId"u8, ledger.BootId);
        json.WriteString("configHash"u8, ledger.ConfigHash);
        json.WriteNumber("rssBytes"u8, ledger.RssBytes);
        json.WriteNumber("heapBytes"u8, ledger.HeapBytes);
        json.WriteNumber("budgetBytes"u8, ledger.BudgetBytes);
        json.WriteNumber("headSeries"u8, ledger.HeadSeries);
        json.WriteNumber("samplesPerSecond"u8, Math.Round(ledger.SamplesPerSecond, 1));
        json.WriteNumber("newSeriesPerSecond"u8, Math.Round(ledger.NewSeriesPerSecond, 1));
        json.WriteNumber("replayPercent"u8, Math.Round(ledger.ReplayPercent, 1));
        json.WriteNumber("queryBytes"u8, ledger.QueryBytes);
        if (ledger.TopQuery is var (fingerprint, bytes))
        {
            json.WriteStartArray("topQuery"u8);
            json.WriteStringValue(fingerprint);
            json.WriteNumberValue(bytes);
            json.WriteEndArray();
        }

        json.WriteStartArray("top"u8);
        foreach (var (metric, series) in ledger.Top.Take(top))
        {
            json.WriteStartArray();
            json.WriteStringValue(Cut(metric, MaxMetricLength));
            json.WriteNumberValue(series);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteString("message"u8, message);
        json.WriteEndObject();
    }

    // Never in the middle of a surrogate pair, which JSON could not carry.
    private static string Cut(string text, int length) => text.Length <= length
        ? text
        : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];

    private void Write(byte[] message)
    {
        if (_file is null)
        {
            return;
        }

        try
        {
            WriteOver(_file, message);
            _isFailing = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The server is worth more than its account.
            if (!_isFailing)
            {
                _isFailing = true;
                _logger.LogWarning("Cannot write the termination message: {Error}", e.Message);
            }
        }
    }

    private void WriteOver(SafeFileHandle file, byte[] message)
    {
        // One write covers what was there, with blanks if need be: a kill between the two calls leaves a message that still parses.
        if (message.Length < _length)
        {
            var padded = new byte[_length];
            padded.AsSpan(message.Length).Fill((byte)' ');
            message.CopyTo(padded, 0);
            RandomAccess.Write(file, padded, 0);
        }
        else
        {
            RandomAccess.Write(file, message, 0);
        }

        RandomAccess.SetLength(file, message.Length);
        _length = message.Length;
    }
}

using System.Text.Json;
using MetricsOperator.Tsdb.Files;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>One start of a server on a data directory.</summary>
/// <param name="Id">Names the life of the process.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="Phase">How far it came: replay, ready or stopped.</param>
/// <param name="Segment">The log segment that was being read, while it replayed.</param>
internal sealed record BootRecord(string Id, DateTimeOffset StartedAt, string Phase, string? Segment);

/// <summary>
/// The newest starts on a data directory, in <c>boots.json</c> beside the data: what a start needs to know of those before it that cannot
/// tell any more. Small, rewritten in place of itself.
/// </summary>
internal sealed class BootJournal
{
    public const string FileName = "boots.json";
    public const string Replay = "replay";
    public const string Ready = "ready";
    public const string Stopped = "stopped";

    private const int MaxRecords = 20;

    private readonly FileLayer _files;
    private readonly string _path;
    private readonly List<BootRecord> _boots;

    private BootJournal(FileLayer files, string path, List<BootRecord> boots)
    {
        _files = files;
        _path = path;
        _boots = boots;
    }

    /// <summary>The starts before the present one, oldest first.</summary>
    public IReadOnlyList<BootRecord> Earlier => _boots.GetRange(0, _boots.Count - 1);

    /// <summary>True if the life before this one did not end with a clean stop.</summary>
    public bool EndedUncleanly => _boots.Count > 1 && _boots[^2].Phase != Stopped;

    /// <summary>How many starts in a row, up to the one before this, did not get through the replay.</summary>
    public int FailedReplays
    {
        get
        {
            var count = 0;
            for (var i = _boots.Count - 2; i >= 0 && _boots[i].Phase == Replay; i--)
            {
                count++;
            }

            return count;
        }
    }

    /// <summary>The log segment that the last <paramref name="times"/> starts all died in; null when there is none.</summary>
    public string? SegmentThatKilled(int times)
    {
        if (FailedReplays < times || _boots[^2].Segment is not { } segment)
        {
            return null;
        }

        return _boots.GetRange(_boots.Count - 1 - times, times).TrueForAll(b => b.Segment == segment) ? segment : null;
    }

    /// <summary>Reads the journal and adds the present start.</summary>
    public static BootJournal Begin(FileLayer files, string dataDirectory, string bootId, TimeProvider time, ILogger logger)
    {
        var path = Path.Combine(dataDirectory, FileName);
        var boots = new List<BootRecord>();
        try
        {
            if (File.Exists(path))
            {
                boots = Parse(File.ReadAllBytes(path));
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            // It only helps; a start without it is careful enough.
            logger.LogWarning("The boot journal {Path} cannot be read and begins anew: {Error}", path, e.Message);
        }

        boots.Add(new BootRecord(bootId, time.GetUtcNow(), Replay, null));
        boots.RemoveRange(0, Math.Max(0, boots.Count - MaxRecords));
        var journal = new BootJournal(files, path, boots);
        journal.Write();
        return journal;
    }

    /// <summary>Says which log segment is read next.</summary>
    public void Reading(string segment) => Change(b => b with { Segment = segment });

    /// <summary>Says how far the start has come.</summary>
    public void Reached(string phase) => Change(b => b with { Phase = phase, Segment = null });

    /// <summary>Forgets which segment the earlier starts died in: it is gone.</summary>
    public void ForgetSegments()
    {
        for (var i = 0; i < _boots.Count - 1; i++)
        {
            _boots[i] = _boots[i] with { Segment = null };
        }

        Write();
    }

    private void Change(Func<BootRecord, BootRecord> change)
    {
        _boots[^1] = change(_boots[^1]);
        Write();
    }

    private void Write() => _files.WriteAtomically(_path, Format());

    // By hand: what the serializer needs for this is compiled at each start, which takes longer than everything else here.
    private static List<BootRecord> Parse(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        var boots = new List<BootRecord>();
        foreach (var boot in document.RootElement.EnumerateArray())
        {
            boots.Add(new BootRecord(
                boot.GetProperty("id").GetString() ?? string.Empty,
                boot.GetProperty("startedAt").GetDateTimeOffset(),
                boot.GetProperty("phase").GetString() ?? string.Empty,
                boot.TryGetProperty("segment", out var segment) ? segment.GetString() : null));
        }

        return boots;
    }

    private byte[] Format()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            foreach (var boot in _boots)
            {
                json.WriteStartObject();
                json.WriteString("id", boot.Id);
                json.WriteString("startedAt", boot.StartedAt);
                json.WriteString("phase", boot.Phase);
                json.WriteString("segment", boot.Segment);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return stream.ToArray();
    }
}

using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetricsOperator.Planning.Tuning;

/// <summary>
/// What the operator remembers about the deaths of a stack: which were counted, what was done, and what is in force. Kept in the ConfigMap
/// <c>&lt;stack&gt;-overlay</c>; deleting that resets the stack to its spec.
/// </summary>
public sealed record TuningLedger
{
    /// <summary>Key of the ledger in its ConfigMap.</summary>
    public const string FileName = "overlay.json";

    /// <summary>Incidents that are kept.</summary>
    public const int MaxIncidents = 10;

    /// <summary>More than can be visible in pod states at any time: two lives of every container of ten replicas, thrice.</summary>
    public const int MaxCounted = 64;

    // Characters such as > stay as they are: people read this document, and it never ends up in a web page.
    private static readonly PlanningJson Readable = new(new JsonSerializerOptions(PlanningJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    public static TuningLedger Empty { get; } = new();

    /// <summary>Version of this document.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Steps in force, in the order they were taken.</summary>
    public IReadOnlyList<AppliedStep> Steps { get; init; } = [];

    /// <summary>Steps that mode Recommend would have taken.</summary>
    public IReadOnlyList<AppliedStep> Proposed { get; init; } = [];

    /// <summary>Newest first.</summary>
    public IReadOnlyList<Incident> Incidents { get; init; } = [];

    /// <summary>Keys of counted deaths, newest last.</summary>
    public IReadOnlyList<string> Counted { get; init; } = [];

    /// <summary>How many lives of each pod's server had ended when it was last looked at, by pod uid; pods without any are absent.</summary>
    public IReadOnlyDictionary<string, int> EndedLives { get; init; } = new Dictionary<string, int>();

    /// <summary>When the steps changed last.</summary>
    public DateTimeOffset? ChangedAt { get; init; }

    /// <summary>When a server last died of memory.</summary>
    public DateTimeOffset? LastMemoryDeathAt { get; init; }

    /// <summary>How many times a step that was taken back had to be taken again.</summary>
    public int Relapses { get; init; }

    /// <summary>The step that was taken back last, until it is taken again.</summary>
    public string? RelaxedStep { get; init; }

    /// <summary>The acknowledgement that was acted upon.</summary>
    public string? Acknowledged { get; init; }

    /// <summary>True when the last memory death found no step left; false again after quiet time.</summary>
    public bool Exhausted { get; init; }

    /// <summary>Names of the steps in force.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> ActiveSteps => [.. Steps.Select(s => s.Name)];

    /// <summary>Reads a ledger.</summary>
    /// <exception cref="JsonException">The text is not one.</exception>
    public static TuningLedger Read(string text)
    {
        var ledger = JsonSerializer.Deserialize(text, PlanningJson.Default.TuningLedger) ?? Empty;
        return ledger.Version == 1 ? ledger : throw new JsonException($"cannot read overlay: got version {ledger.Version}, want 1");
    }

    public string Write() => JsonSerializer.Serialize(this, Readable.TuningLedger) + "\n";
}

/// <summary>A step with what led to it.</summary>
/// <param name="Name">Name of the step.</param>
/// <param name="Detail">What it changes.</param>
/// <param name="Expected">What it is expected to save.</param>
/// <param name="Incident">Id of the incident that led to it.</param>
/// <param name="Since">When it was decided.</param>
public sealed record AppliedStep(string Name, string Detail, string Expected, string Incident, DateTimeOffset Since);

/// <summary>A death that people should know about.</summary>
public sealed record Incident
{
    public required string Id { get; init; }

    public required string Class { get; init; }

    public required string Explanation { get; init; }

    /// <summary>What was done about it, or why nothing was.</summary>
    public required string Response { get; init; }

    public string? Pod { get; init; }

    public string? Container { get; init; }

    /// <summary>Which life of the container this was, from 1.</summary>
    public int? Life { get; init; }

    public int? ExitCode { get; init; }

    public string? Reason { get; init; }

    public string? Phase { get; init; }

    public DateTimeOffset At { get; init; }

    public long? RssBytes { get; init; }

    public long? BudgetBytes { get; init; }

    public long? HeadSeries { get; init; }

    public IReadOnlyList<TopMetric>? TopMetrics { get; init; }
}

/// <summary>How many series a metric had.</summary>
public sealed record TopMetric(string Metric, long Series);

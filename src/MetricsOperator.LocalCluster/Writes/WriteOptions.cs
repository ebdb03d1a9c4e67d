using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Writes;

/// <summary>What becomes of fields the schema does not know.</summary>
internal enum FieldValidation
{
    Ignore,
    Warn,
    Strict,
}

/// <summary>How a write is to be done. Warnings for the client are collected in <see cref="Warnings"/>.</summary>
internal sealed record WriteOptions
{
    public required string Manager { get; init; }

    /// <summary>Empty, status or scale.</summary>
    public string Subresource { get; init; } = string.Empty;

    public bool DryRun { get; init; }

    public FieldValidation Validation { get; init; } = FieldValidation.Warn;

    /// <summary>Takes fields from other managers in a server-side apply.</summary>
    public bool Force { get; init; }

    /// <summary>Fields that appeared twice in the body.</summary>
    public IReadOnlyList<string> DuplicateFields { get; init; } = [];

    public List<string> Warnings { get; } = [];
}

/// <summary>What a write did.</summary>
/// <param name="Object">The object in its stored form.</param>
/// <param name="Before">Revision before the write; 0 when it is new.</param>
/// <param name="After">Revision after the write; equal to <paramref name="Before"/> when nothing changed.</param>
/// <param name="Gone">Whether the object is no longer stored.</param>
internal sealed record WriteResult(JsonObject Object, long Before, long After, bool Gone = false);

/// <summary>Changes an object from one document to the next; both in the version of the request.</summary>
internal delegate JsonObject ObjectChange(JsonObject current);

/// <summary>Runs under the store's gate after a write, for what must follow it at once.</summary>
internal delegate void AfterWrite(string storageKey, WatchEventType type, JsonObject obj);

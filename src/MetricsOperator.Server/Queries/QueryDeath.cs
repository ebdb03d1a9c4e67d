using System.Text.Json.Serialization;

namespace MetricsOperator.Server.Queries;

/// <summary>One death of the server for which a running query is held responsible.</summary>
/// <param name="BootId">Names the life of the process that ended; the same death is recorded once.</param>
/// <param name="At">When it was found out: at the start after it.</param>
/// <param name="SpanMs">How much time the query read, in milliseconds.</param>
/// <param name="PeakBytes">Most bytes it held, as last written.</param>
/// <param name="UsedBytes">What the scarcest part of the process' memory used.</param>
/// <param name="LimitBytes">Limit of that part.</param>
internal sealed record QueryDeath(string BootId, DateTimeOffset At, long SpanMs, long PeakBytes, long UsedBytes, long LimitBytes);

/// <summary>A form of query and the deaths it is held responsible for, oldest first.</summary>
/// <param name="Fingerprint">Its fingerprint.</param>
/// <param name="Query">The text of the newest, cut.</param>
/// <param name="Deaths">At least one.</param>
internal sealed record KillerQuery(string Fingerprint, string Query, IReadOnlyList<QueryDeath> Deaths);

/// <summary>Content of <c>query-deaths.json</c>.</summary>
internal sealed record QueryDeathsFile(int Version, IReadOnlyList<KillerQuery> Queries);

[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(QueryDeathsFile))]
internal sealed partial class QueryDeathsJson : JsonSerializerContext;

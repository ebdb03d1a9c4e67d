using System.Text.Json.Serialization;

namespace MetricsOperator.Operator.Stacks;

/// <summary>The part of <c>/api/v1/status/runtimeinfo</c> that is about the configuration.</summary>
internal sealed record RuntimeInfo(string? ConfigHash, string? ConfigError, string? Phase);

/// <summary>The envelope of every answer of the API.</summary>
internal sealed record RuntimeInfoAnswer(RuntimeInfo? Data);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RuntimeInfoAnswer))]
internal sealed partial class RuntimeInfoJson : JsonSerializerContext;

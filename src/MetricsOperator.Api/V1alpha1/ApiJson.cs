using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetricsOperator.Api.V1alpha1;

/// <summary>JSON of the API types: camelCase, absent members stay absent, unknown members are ignored on read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowDuplicateProperties = true)]
[JsonSerializable(typeof(MetricsStack))]
[JsonSerializable(typeof(MetricsKeepList))]
public sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>Reads one spec; members that are absent have their defaults.</summary>
    /// <exception cref="JsonException">The text is not JSON, or a member has another type than the schema says.</exception>
    public static MetricsStackSpec ReadSpec(string json) =>
        JsonSerializer.Deserialize(json, Default.MetricsStackSpec) ?? throw new JsonException("cannot read spec: got null, want an object");

    /// <summary>The status as it is sent; equal statuses give equal text.</summary>
    public static string Write(MetricsStackStatus status) => JsonSerializer.Serialize(status, Default.MetricsStackStatus);

    /// <summary>The spec as canonical JSON, defaults included.</summary>
    public static string Write(MetricsStackSpec spec) => JsonSerializer.Serialize(spec, Default.MetricsStackSpec);
}

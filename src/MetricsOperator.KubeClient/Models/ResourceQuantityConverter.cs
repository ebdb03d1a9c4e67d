using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>Reads a quantity from a JSON string or number (both are allowed) and writes the canonical string.</summary>
public sealed class ResourceQuantityConverter : JsonConverter<ResourceQuantity>
{
    public override ResourceQuantity Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.TokenType switch
        {
            JsonTokenType.String => reader.GetString(),
            JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
            _ => throw new JsonException($"cannot read a quantity: got {reader.TokenType}, want a string or number"),
        };
        return ResourceQuantity.TryParse(text, out var quantity)
            ? quantity
            : throw new JsonException($"cannot read a quantity: got \"{text}\", want a number with an optional suffix");
    }

    public override void Write(Utf8JsonWriter writer, ResourceQuantity value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>A port number or name, or a count or percentage.</summary>
[JsonConverter(typeof(IntOrStringConverter))]
public readonly record struct IntOrString
{
    private readonly string? _text;

    private IntOrString(int number, string? text)
    {
        Number = number;
        _text = text;
    }

    /// <summary>The number; 0 when <see cref="Text"/> is set.</summary>
    public int Number { get; }

    /// <summary>The text, or null for a number.</summary>
    public string? Text => _text;

    public static implicit operator IntOrString(int number) => new(number, null);

    public static implicit operator IntOrString(string text) => new(0, text);

    public static IntOrString FromInt32(int number) => new(number, null);

    public static IntOrString FromString(string text) => new(0, text);

    public override string ToString() => _text ?? Number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>JSON number or string.</summary>
public sealed class IntOrStringConverter : JsonConverter<IntOrString>
{
    public override IntOrString Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Number => reader.GetInt32(),
        JsonTokenType.String => reader.GetString()!,
        _ => throw new JsonException($"cannot read an int-or-string: got {reader.TokenType}, want a number or string"),
    };

    public override void Write(Utf8JsonWriter writer, IntOrString value, JsonSerializerOptions options)
    {
        if (value.Text is null)
        {
            writer.WriteNumberValue(value.Number);
        }
        else
        {
            writer.WriteStringValue(value.Text);
        }
    }
}

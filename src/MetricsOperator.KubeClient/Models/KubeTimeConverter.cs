using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>meta/v1 Time: RFC 3339 in UTC, whole seconds.</summary>
public sealed class KubeTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => KubeTime.Read(ref reader);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        => writer.WriteStringValue(KubeTime.FormatSeconds(value));
}

/// <summary>meta/v1 MicroTime: RFC 3339 in UTC with exactly six fraction digits; Lease and Event refuse less.</summary>
public sealed class MicroTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => KubeTime.Read(ref reader);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        => writer.WriteStringValue(KubeTime.FormatMicros(value));
}

/// <summary>Kubernetes' two ways to write a time.</summary>
public static class KubeTime
{
    /// <summary><c>2026-01-02T03:04:05Z</c>.</summary>
    public static string FormatSeconds(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary><c>2026-01-02T03:04:05.000000Z</c>.</summary>
    public static string FormatMicros(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    internal static DateTimeOffset Read(ref Utf8JsonReader reader)
    {
        // The reader's own parser takes up to seven fraction digits; Go writes up to nine.
        if (reader.TryGetDateTimeOffset(out var time))
        {
            return time.ToUniversalTime();
        }

        var text = reader.GetString()!;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time)
            ? time
            : throw new JsonException($"cannot read a time: got \"{text}\", want RFC 3339");
    }
}

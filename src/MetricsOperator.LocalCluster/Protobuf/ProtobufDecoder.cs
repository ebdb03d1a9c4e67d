using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Protobuf;

/// <summary>
/// Reads the protobuf bodies that typed Go clients send: the prefix <c>k8s\0</c>, a runtime.Unknown with apiVersion and kind, and the object. A field
/// that is not known here is refused, never dropped.
/// </summary>
internal static class ProtobufDecoder
{
    public const string MediaType = "application/vnd.kubernetes.protobuf";
    private static ReadOnlySpan<byte> Prefix => "k8s\0"u8;

    /// <exception cref="ApiStatusException">400 for a body that is damaged, 415 for a kind or a field that is not known here.</exception>
    public static JsonObject Decode(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith(Prefix))
        {
            throw ApiErrors.BadRequest("the body does not start with the protobuf prefix k8s\\0");
        }

        string? apiVersion = null;
        string? kind = null;
        ReadOnlySpan<byte> raw = [];
        var reader = new WireReader(body[Prefix.Length..]);
        while (reader.Next(out var number))
        {
            switch (number)
            {
                case 1:
                    var type = new WireReader(reader.Bytes());
                    while (type.Next(out var part))
                    {
                        var text = Encoding.UTF8.GetString(type.Bytes());
                        (apiVersion, kind) = part == 1 ? (text, kind) : (apiVersion, text);
                    }

                    break;
                case 2:
                    raw = reader.Bytes();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        var obj = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind };
        Read(raw, kind ?? string.Empty, obj);
        return obj;
    }

    private static void Read(ReadOnlySpan<byte> message, string type, JsonObject into)
    {
        var fields = WireFields.Of(type) ?? throw NotKnown($"objects of type {type}");
        var reader = new WireReader(message);
        while (reader.Next(out var number))
        {
            if (!fields.TryGetValue(number, out var field))
            {
                throw NotKnown($"field {number} of {type}");
            }

            if (field.Map)
            {
                ReadEntry(reader.Bytes(), field, into.Ensure(field.Name));
            }
            else if (field.Name.Length == 0)
            {
                Read(reader.Bytes(), field.Message, into);
            }
            else if (Value(ref reader, field) is { } value)
            {
                if (!field.Repeated)
                {
                    into[field.Name] = value;
                }
                else if (into[field.Name] is JsonArray list)
                {
                    list.Add(value);
                }
                else
                {
                    into[field.Name] = new JsonArray(value);
                }
            }
        }
    }

    private static void ReadEntry(ReadOnlySpan<byte> entry, WireField field, JsonObject into)
    {
        var key = string.Empty;
        JsonNode? value = null;
        var reader = new WireReader(entry);
        while (reader.Next(out var number))
        {
            if (number == 1)
            {
                key = Encoding.UTF8.GetString(reader.Bytes());
            }
            else
            {
                value = Value(ref reader, field with { Optional = true });
            }
        }

        into[key] = value ?? string.Empty;
    }

    /// <summary>The value, or null when it is the zero value of a field that Go writes even when it is not set.</summary>
    private static JsonNode? Value(ref WireReader reader, WireField field)
    {
        var keepZero = field.Optional || field.Repeated;
        switch (field.Kind)
        {
            case 's':
                var text = Encoding.UTF8.GetString(reader.Bytes());
                return text.Length > 0 || keepZero ? JsonValue.Create(text) : null;
            case 'y':
                return Convert.ToBase64String(reader.Bytes());
            case 'i':
                var number = (long)reader.Varint();
                return number != 0 || keepZero ? JsonValue.Create(number) : null;
            case 'b':
                var flag = reader.Varint() != 0;
                return flag || keepZero ? JsonValue.Create(flag) : null;
            case 't' or 'u':
                return Time(reader.Bytes(), field.Kind == 'u');
            case 'q':
                return Quantity(reader.Bytes());
            case 'o':
                return IntOrString(reader.Bytes());
            default:
                var nested = new JsonObject();
                Read(reader.Bytes(), field.Message, nested);
                return nested.Count > 0 || keepZero ? nested : null;
        }
    }

    private static JsonValue? Time(ReadOnlySpan<byte> message, bool micro)
    {
        if (message.IsEmpty)
        {
            return null;
        }

        long seconds = 0, nanos = 0;
        var reader = new WireReader(message);
        while (reader.Next(out var number))
        {
            var value = (long)reader.Varint();
            (seconds, nanos) = number == 1 ? (value, nanos) : (seconds, value);
        }

        var time = DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
        return JsonValue.Create(micro ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture) : JsonAccess.Timestamp(time));
    }

    private static JsonValue Quantity(ReadOnlySpan<byte> message)
    {
        var text = "0";
        var reader = new WireReader(message);
        while (reader.Next(out _))
        {
            text = Encoding.UTF8.GetString(reader.Bytes());
        }

        return JsonValue.Create(text);
    }

    private static JsonValue? IntOrString(ReadOnlySpan<byte> message)
    {
        ulong type = 0, number = 0;
        var text = string.Empty;
        var reader = new WireReader(message);
        while (reader.Next(out var field))
        {
            switch (field)
            {
                case 1:
                    type = reader.Varint();
                    break;
                case 2:
                    number = reader.Varint();
                    break;
                default:
                    text = Encoding.UTF8.GetString(reader.Bytes());
                    break;
            }
        }

        // A target port that was left out arrives as the number 0.
        return type == 1 ? JsonValue.Create(text) : number == 0 ? null : JsonValue.Create((long)(int)number);
    }

    private static ApiStatusException NotKnown(string what) =>
        new(415, "UnsupportedMediaType", $"this server does not decode {what} from {MediaType}, send application/json");
}

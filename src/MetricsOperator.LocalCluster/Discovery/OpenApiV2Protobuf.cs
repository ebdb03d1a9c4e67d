using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Discovery;

/// <summary>
/// Encodes the OpenAPI v2 document as the protobuf message that client-go asks for (openapi.v2.Document of the gnostic project). Only the
/// fields that our documents have are known here; the field numbers are those of OpenAPIv2.proto.
/// </summary>
internal static class OpenApiV2Protobuf
{
    public const string MediaType = "application/com.github.proto-openapi.spec.v2";

    private static readonly string[] Extensions =
    [
        "x-kubernetes-group-version-kind", "x-kubernetes-action", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
        "x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource",
    ];

    public static byte[] Encode(JsonObject document)
    {
        var message = new Message();
        message.Text(1, document.StringAt("swagger"));
        var info = new Message();
        info.Text(1, document.StringAt("info", "title"));
        info.Text(2, document.StringAt("info", "version"));
        message.Nested(2, info);

        var paths = new Message();
        foreach (var (path, item) in document.ObjectAt("paths") ?? [])
        {
            paths.Nested(2, Named(path, PathItem((JsonObject)item!)));
        }

        message.Nested(8, paths);
        var definitions = new Message();
        foreach (var (name, schema) in document.ObjectAt("definitions") ?? [])
        {
            definitions.Nested(1, Named(name, Schema((JsonObject)schema!)));
        }

        message.Nested(9, definitions);
        return message.ToArray();
    }

    private static Message PathItem(JsonObject item)
    {
        var message = new Message();
        foreach (var (method, field) in new[] { ("get", 2), ("put", 3), ("post", 4), ("delete", 5), ("patch", 8) })
        {
            if (item.ObjectAt(method) is { } operation)
            {
                message.Nested(field, Operation(operation));
            }
        }

        return message;
    }

    private static Message Operation(JsonObject operation)
    {
        var message = new Message();
        message.Text(5, operation.StringAt("operationId"));
        foreach (var type in operation.StringsAt("consumes"))
        {
            message.Text(7, type);
        }

        foreach (var parameter in operation.ObjectsAt("parameters"))
        {
            // ParametersItem.parameter.non_body_parameter.query_parameter_sub_schema
            var query = new Message();
            query.Text(2, parameter.StringAt("in"));
            query.Text(3, parameter.StringAt("description"));
            query.Text(4, parameter.StringAt("name"));
            query.Text(6, parameter.StringAt("type"));
            message.Nested(8, new Message().With(1, new Message().With(2, new Message().With(3, query))));
        }

        var response = new Message();
        response.Text(1, "OK");
        message.Nested(9, new Message().With(1, Named("200", new Message().With(1, response))));
        AddExtensions(message, 13, operation);
        return message;
    }

    private static Message Schema(JsonObject schema)
    {
        var message = new Message();
        message.Text(1, schema.StringAt("$ref"));
        message.Text(2, schema.StringAt("format"));
        message.Text(4, schema.StringAt("description"));
        foreach (var name in schema.StringsAt("required"))
        {
            message.Text(19, name);
        }

        foreach (var value in schema.ArrayAt("enum") ?? [])
        {
            message.Nested(20, Any(value));
        }

        if (schema.ObjectAt("additionalProperties") is { } values)
        {
            message.Nested(21, new Message().With(1, Schema(values)));
        }

        if (schema.StringAt("type") is { } type)
        {
            var item = new Message();
            item.Text(1, type);
            message.Nested(22, item);
        }

        if (schema.ObjectAt("items") is { } items)
        {
            message.Nested(23, new Message().With(1, Schema(items)));
        }

        if (schema.ObjectAt("properties") is { } properties)
        {
            var all = new Message();
            foreach (var (name, property) in properties)
            {
                all.Nested(1, Named(name, Schema((JsonObject)property!)));
            }

            message.Nested(25, all);
        }

        AddExtensions(message, 31, schema);
        return message;
    }

    private static void AddExtensions(Message message, int field, JsonObject source)
    {
        foreach (var name in Extensions)
        {
            if (source[name] is { } value)
            {
                message.Nested(field, Named(name, Any(value)));
            }
        }
    }

    /// <summary>Any carries its value as YAML text; JSON is YAML.</summary>
    private static Message Any(JsonNode? value)
    {
        var any = new Message();
        any.Text(2, JsonDocuments.ToText(value) + "\n");
        return any;
    }

    private static Message Named(string name, Message value)
    {
        var named = new Message();
        named.Text(1, name);
        return named.With(2, value);
    }

    private sealed class Message
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public void Text(int field, string? text)
        {
            if (!string.IsNullOrEmpty(text))
            {
                Bytes(field, Encoding.UTF8.GetBytes(text));
            }
        }

        public void Nested(int field, Message message) => Bytes(field, message._bytes.WrittenSpan);

        public Message With(int field, Message message)
        {
            Nested(field, message);
            return this;
        }

        public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

        private void Bytes(int field, ReadOnlySpan<byte> value)
        {
            Varint(((uint)field << 3) | 2);
            Varint((uint)value.Length);
            _bytes.Write(value);
        }

        private void Varint(uint value)
        {
            while (value >= 0x80)
            {
                _bytes.Write([(byte)(value | 0x80)]);
                value >>= 7;
            }

            _bytes.Write([(byte)value]);
        }
    }
}

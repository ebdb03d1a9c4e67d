using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.Cli.Local;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MetricsOperator.Cli.Up;

/// <summary>Reads multi-document YAML manifests as JSON objects, typed as YAML 1.2 core schema does for plain scalars.</summary>
internal static class Manifests
{
    /// <summary>Reads all documents of a text.</summary>
    /// <exception cref="LocalWorldException">The YAML is broken or a document is not a Kubernetes object; the message has file, line and column.</exception>
    public static IReadOnlyList<JsonObject> Read(string text, string fileName)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new LocalWorldException($"{fileName}:{e.Start.Line}:{e.Start.Column}: {e.Message}", e);
        }

        var objects = new List<JsonObject>();
        foreach (var document in stream.Documents)
        {
            if (document.RootNode is YamlScalarNode { Value: null or "" })
            {
                continue;
            }

            if (ToJson(document.RootNode) is not JsonObject manifest || manifest["kind"] is null || manifest["apiVersion"] is null)
            {
                var at = document.RootNode.Start;
                throw new LocalWorldException($"{fileName}:{at.Line}:{at.Column}: not a Kubernetes object, want a mapping with apiVersion and kind");
            }

            objects.Add(manifest);
        }

        return objects;
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value!, ToJson(c.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(ToJson)]),
        YamlScalarNode scalar => ToJson(scalar),
        _ => null,
    };

    private static JsonNode? ToJson(YamlScalarNode scalar)
    {
        var value = scalar.Value ?? string.Empty;
        if (scalar.Style != ScalarStyle.Plain)
        {
            return JsonValue.Create(value);
        }

        return value switch
        {
            "" or "null" or "~" => null,
            "true" => JsonValue.Create(true),
            "false" => JsonValue.Create(false),
            _ when long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer) => JsonValue.Create(integer),
            _ when IsNumber(value) && double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
            _ => JsonValue.Create(value),
        };
    }

    private static bool IsNumber(string value) => value.Length > 0 && (char.IsAsciiDigit(value[0]) || value[0] is '-' or '+' or '.') && value.AsSpan().ContainsAnyInRange('0', '9');
}

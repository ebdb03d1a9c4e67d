using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Protobuf;
using MetricsOperator.LocalCluster.Store;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>Reads request bodies, JSON or YAML.</summary>
internal static class RequestBody
{
    private const long MaxBytes = 3 << 20;

    /// <summary>The body as an object with the fields that appear twice; null when it is empty.</summary>
    /// <exception cref="ApiStatusException">400, 413 or 415.</exception>
    public static async Task<(JsonNode? Body, IReadOnlyList<string> Duplicates)> ReadAsync(HttpRequest request, CancellationToken stop)
    {
        using var memory = new MemoryStream();
        var buffer = new byte[16384];
        int count;
        while ((count = await request.Body.ReadAsync(buffer, stop)) > 0)
        {
            memory.Write(buffer, 0, count);
            if (memory.Length > MaxBytes)
            {
                throw new ApiStatusException(413, "RequestEntityTooLarge", $"Request entity too large: limit is {MaxBytes}");
            }
        }

        if (memory.Length == 0)
        {
            return (null, []);
        }

        var type = MediaType(request);
        if (type is "application/cbor" or "application/apply-patch+cbor")
        {
            throw ApiErrors.UnsupportedMediaType(type, "application/json, application/yaml, application/vnd.kubernetes.protobuf");
        }

        if (type == ProtobufDecoder.MediaType)
        {
            return (ProtobufDecoder.Decode(memory.GetBuffer().AsSpan(0, (int)memory.Length)), []);
        }

        try
        {
            if (type is "application/yaml" or "application/apply-patch+yaml" && memory.GetBuffer()[0] != (byte)'{')
            {
                var documents = YamlDocuments.Parse(Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length));
                return (documents.Count == 1 ? documents[0] : throw ApiErrors.BadRequest($"the body has {documents.Count} YAML documents, want 1"), []);
            }

            var body = JsonDocuments.Parse(memory.GetBuffer().AsSpan(0, (int)memory.Length), out var duplicates);
            return (body, duplicates);
        }
        catch (JsonException e)
        {
            throw ApiErrors.BadRequest($"the object provided is unrecognized (must be of type JSON): {e.Message}");
        }
        catch (FormatException e)
        {
            throw ApiErrors.BadRequest(e.Message);
        }
    }

    /// <summary>The body, which has to be a JSON object.</summary>
    /// <exception cref="ApiStatusException">400, 413 or 415.</exception>
    public static async Task<(JsonObject Body, IReadOnlyList<string> Duplicates)> ReadObjectAsync(HttpRequest request, CancellationToken stop)
    {
        var (body, duplicates) = await ReadAsync(request, stop);
        return body is JsonObject obj ? (obj, duplicates) : throw ApiErrors.BadRequest("the body is no object, want a JSON object");
    }

    public static string MediaType(HttpRequest request)
    {
        var type = request.ContentType ?? "application/json";
        var end = type.IndexOf(';', StringComparison.Ordinal);
        return (end < 0 ? type : type[..end]).Trim().ToLowerInvariant();
    }
}

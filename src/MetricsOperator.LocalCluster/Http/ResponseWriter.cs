using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.LocalCluster.Tables;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>Writes objects, lists and errors in the form the client asked for.</summary>
internal sealed class ResponseWriter(TimeProvider time)
{
    public static async Task JsonAsync(HttpContext http, JsonNode document, int code = 200)
    {
        http.Response.StatusCode = code;
        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(JsonDocuments.ToBytes(document), http.RequestAborted);
    }

    public static Task StatusAsync(HttpContext http, ApiStatusException error)
    {
        if (error.Details?.LongAt("retryAfterSeconds") is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        return JsonAsync(http, ApiErrors.ToStatus(error), error.Code);
    }

    /// <summary>One object in its stored form.</summary>
    public Task ObjectAsync(ApiRequest request, JsonObject stored, int code = 200)
    {
        var shown = request.Definition.Show(stored);
        JsonNode document = ResponseFormat.Negotiate(request.Http.Request) switch
        {
            ObjectForm.Table => TableDocument.Make(request.Definition, [shown], shown.StringAt("metadata", "resourceVersion") ?? string.Empty, Include(request), withColumns: true, time.GetUtcNow()),
            ObjectForm.PartialMetadata => PartialMetadata(shown),
            _ => shown,
        };
        return JsonAsync(request.Http, document, code);
    }

    public async Task ListAsync(ApiRequest request, IReadOnlyList<StoredObject> objects, long revision, string? continueToken, long? remaining)
    {
        var definition = request.Definition;
        var form = ResponseFormat.Negotiate(request.Http.Request);
        var metadata = new JsonObject { ["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture) };
        if (continueToken is not null)
        {
            metadata["continue"] = continueToken;
            if (remaining is not null)
            {
                metadata["remainingItemCount"] = remaining;
            }
        }

        if (form == ObjectForm.Table)
        {
            var table = TableDocument.Make(definition, [.. objects.Select(o => definition.Show(o.Value))], string.Empty, Include(request), withColumns: true, time.GetUtcNow());
            table["metadata"] = metadata;
            await JsonAsync(request.Http, table);
            return;
        }

        request.Http.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(request.Http.Response.Body, JsonDocuments.WriterOptions);
        writer.WriteStartObject();
        writer.WriteString("kind", form == ObjectForm.Full ? definition.ListKind : "PartialObjectMetadataList");
        writer.WriteString("apiVersion", form == ObjectForm.Full ? definition.ApiVersion : "meta.k8s.io/v1");
        writer.WritePropertyName("metadata");
        metadata.WriteTo(writer);
        writer.WriteStartArray("items");
        foreach (var stored in objects)
        {
            var shown = definition.Show(stored.Value);
            if (form == ObjectForm.PartialMetadata)
            {
                PartialMetadata(shown).WriteTo(writer);
            }
            else if (ReferenceEquals(shown, stored.Value))
            {
                writer.WriteRawValue(stored.Json, skipInputValidation: true);
            }
            else
            {
                shown.WriteTo(writer);
            }

            if (writer.BytesPending > 1 << 16)
            {
                await writer.FlushAsync(request.Aborted);
            }
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        await writer.FlushAsync(request.Aborted);
    }

    /// <summary>The document of a watch event.</summary>
    public JsonNode EventObject(ApiRequest request, StoredObject stored, ObjectForm form, bool first)
    {
        var shown = request.Definition.Show(stored.Value);
        return form switch
        {
            ObjectForm.Table => TableDocument.Make(request.Definition, [shown], shown.StringAt("metadata", "resourceVersion") ?? string.Empty, Include(request), first, time.GetUtcNow()),
            ObjectForm.PartialMetadata => PartialMetadata(shown),
            _ => shown,
        };
    }

    public static JsonObject PartialMetadata(JsonObject obj) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = "meta.k8s.io/v1",
        ["metadata"] = obj["metadata"]?.DeepClone(),
    };

    private static string Include(ApiRequest request) => request.Query("includeObject") ?? "Metadata";
}

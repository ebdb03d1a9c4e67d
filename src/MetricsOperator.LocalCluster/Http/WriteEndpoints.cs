using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Patching;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.LocalCluster.Writes;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>Create, update, patch, apply and delete, of objects and of their status.</summary>
internal sealed class WriteEndpoints(ObjectStore store, ObjectWriter writer, ReadEndpoints reads, ResponseWriter responses)
{
    private const string BuiltinPatches = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/strategic-merge-patch+json";
    private const string CustomPatches = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";

    public async Task CreateAsync(ApiRequest request)
    {
        var (body, duplicates) = await RequestBody.ReadObjectAsync(request.Http.Request, request.Aborted);
        var options = request.WriteOptions(string.Empty, duplicates);
        var result = writer.Create(request.Definition, request.Namespace, body, options);
        await AnswerAsync(request, result, options, 201);
    }

    public async Task UpdateAsync(ApiRequest request, string subresource)
    {
        var (body, duplicates) = await RequestBody.ReadObjectAsync(request.Http.Request, request.Aborted);
        var options = request.WriteOptions(subresource, duplicates);
        var definition = request.Definition;
        if (definition.IsCustom && string.IsNullOrEmpty(body.StringAt("metadata", "resourceVersion")))
        {
            throw Schemas.FieldError.ToException(
                definition.Group,
                definition.Kind,
                request.Info.Name,
                [Schemas.FieldError.Invalid("metadata.resourceVersion", 0, "must be specified for an update")]);
        }

        var result = writer.Update(definition, request.Namespace, request.Info.Name, _ => body, options);
        await AnswerAsync(request, result, options, 200);
    }

    public async Task PatchAsync(ApiRequest request, string subresource)
    {
        var type = RequestBody.MediaType(request.Http.Request);
        var (body, duplicates) = await RequestBody.ReadAsync(request.Http.Request, request.Aborted);
        var options = request.WriteOptions(subresource, duplicates);
        var definition = request.Definition;
        if (type == "application/apply-patch+yaml")
        {
            if (request.Query("fieldManager") is null)
            {
                throw Schemas.FieldError.ToException("meta.k8s.io", "PatchOptions", string.Empty, [Schemas.FieldError.Required("fieldManager", "is required for apply patch")]);
            }

            var existed = store.Get(definition.StorageKey, new ObjectKey(request.Namespace ?? string.Empty, request.Info.Name)) is not null;
            var applied = writer.Apply(definition, request.Namespace, request.Info.Name, AsObject(body), options);
            await AnswerAsync(request, applied, options, existed ? 200 : 201);
            return;
        }

        ObjectChange change = type switch
        {
            "application/merge-patch+json" => current => MergePatch.Apply(current, AsObject(body)) as JsonObject ?? [],
            "application/json-patch+json" => current => JsonPatch.Apply(current, body as JsonArray ?? throw ApiErrors.BadRequest("error decoding patch: want a list of operations")) as JsonObject
                ?? throw ApiErrors.BadRequest("the patched document is no object"),
            "application/strategic-merge-patch+json" when !definition.IsCustom => current => StrategicMergePatch.Apply(current, AsObject(body), definition.Schema),
            _ => throw ApiErrors.UnsupportedMediaType(type, definition.IsCustom ? CustomPatches : BuiltinPatches),
        };
        var result = writer.Update(definition, request.Namespace, request.Info.Name, change, options);
        await AnswerAsync(request, result, options, 200);
    }

    public async Task DeleteAsync(ApiRequest request)
    {
        var options = await DeleteOptionsAsync(request);
        var result = writer.Delete(request.Definition, request.Namespace, request.Info.Name, options);
        request.Wrote(result);
        if (!result.Gone)
        {
            await responses.ObjectAsync(request, result.Object);
            return;
        }

        var details = ApiErrors.Details(request.Definition.Group, request.Definition.Plural, request.Info.Name);
        details["uid"] = result.Object.UidOf();
        await ResponseWriter.JsonAsync(
            request.Http,
            new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["details"] = details });
    }

    public async Task DeleteCollectionAsync(ApiRequest request)
    {
        var options = await DeleteOptionsAsync(request);
        var selected = reads.Select(request);
        foreach (var stored in selected)
        {
            try
            {
                request.Wrote(writer.Delete(request.Definition, stored.Key.Namespace, stored.Key.Name, options));
            }
            catch (ApiStatusException e) when (e.IsNotFound)
            {
                // Somebody else deleted it meanwhile, which is what was asked for.
                request.WrittenName = stored.Key.Name;
            }
        }

        await responses.ListAsync(request, selected, store.Revision, null, null);
    }

    private static JsonObject AsObject(JsonNode? body) => body as JsonObject ?? throw ApiErrors.BadRequest("the patch is no object, want a JSON object");

    private static async Task<DeleteOptions> DeleteOptionsAsync(ApiRequest request)
    {
        var (node, _) = await RequestBody.ReadAsync(request.Http.Request, request.Aborted);
        var body = node as JsonObject;
        var policy = request.Query("propagationPolicy") ?? body.StringAt("propagationPolicy");
        if (policy is null && (body.BoolAt("orphanDependents") ?? (request.Query("orphanDependents") is { } orphan ? orphan == "true" : null)) is { } orphans)
        {
            policy = orphans ? "Orphan" : "Background";
        }

        if (policy is not (null or "Background" or "Foreground" or "Orphan"))
        {
            throw ApiErrors.BadRequest($"propagationPolicy: got {policy}, want Background, Foreground or Orphan");
        }

        return new DeleteOptions
        {
            GracePeriodSeconds = request.Number("gracePeriodSeconds") ?? body.LongAt("gracePeriodSeconds"),
            PropagationPolicy = policy,
            Uid = body.StringAt("preconditions", "uid"),
            ResourceVersion = body.StringAt("preconditions", "resourceVersion"),
            DryRun = request.IsDryRun() || body.StringsAt("dryRun").Contains("All"),
        };
    }

    private Task AnswerAsync(ApiRequest request, WriteResult result, WriteOptions options, int code)
    {
        request.Wrote(result);
        foreach (var warning in options.Warnings)
        {
            request.Warn(warning);
        }

        return responses.ObjectAsync(request, result.Object, code);
    }
}

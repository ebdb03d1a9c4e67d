using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Patching;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.LocalCluster.Writes;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>The scale subresource of workloads and of custom resources that declare one.</summary>
internal sealed class ScaleEndpoint(ObjectStore store, ObjectWriter writer)
{
    public Task GetAsync(ApiRequest request)
    {
        var definition = request.Definition;
        var stored = store.Get(definition.StorageKey, new ObjectKey(request.Namespace ?? string.Empty, request.Info.Name))
            ?? throw ApiErrors.NotFound(definition.Group, definition.Plural, request.Info.Name);
        return ResponseWriter.JsonAsync(request.Http, ScaleOf(definition, stored.Value));
    }

    public async Task WriteAsync(ApiRequest request)
    {
        var definition = request.Definition;
        var type = RequestBody.MediaType(request.Http.Request);
        var (body, _) = await RequestBody.ReadAsync(request.Http.Request, request.Aborted);
        var result = writer.Update(
            definition,
            request.Namespace,
            request.Info.Name,
            current =>
            {
                var scale = ScaleOf(definition, current);
                var wanted = request.Info.Verb == "update"
                    ? body as JsonObject
                    : body is JsonArray operations ? JsonPatch.Apply(scale, operations) as JsonObject : MergePatch.Apply(scale, body) as JsonObject;
                if (type == "application/apply-patch+yaml")
                {
                    throw ApiErrors.UnsupportedMediaType(type, "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json");
                }

                var replicas = wanted.LongAt("spec", "replicas") ?? 0;
                if (replicas < 0)
                {
                    throw Schemas.FieldError.ToException(
                        "autoscaling",
                        "Scale",
                        request.Info.Name,
                        [Schemas.FieldError.Invalid("spec.replicas", replicas, "must be greater than or equal to 0")]);
                }

                Set(current, definition.Scale!.SpecReplicas, replicas);
                if (wanted.StringAt("metadata", "resourceVersion") is { Length: > 0 } version)
                {
                    current.Metadata()["resourceVersion"] = version;
                }

                return current;
            },
            request.WriteOptions(string.Empty));
        request.Wrote(result);
        await ResponseWriter.JsonAsync(request.Http, ScaleOf(definition, result.Object));
    }

    private static JsonObject ScaleOf(ResourceDefinition definition, JsonObject obj)
    {
        var paths = definition.Scale!;
        var status = new JsonObject { ["replicas"] = JsonPath.Select(obj, paths.StatusReplicas).FirstOrDefault().AsLong() ?? 0 };
        var selector = paths.LabelSelector is null ? null : JsonPath.Select(obj, paths.LabelSelector).FirstOrDefault();
        var text = selector.AsString() ?? (selector is JsonObject structured ? SelectorText(structured) : null);
        if (text is not null)
        {
            status["selector"] = text;
        }

        return new JsonObject
        {
            ["kind"] = "Scale",
            ["apiVersion"] = "autoscaling/v1",
            ["metadata"] = new JsonObject
            {
                ["name"] = obj.NameOf(),
                ["namespace"] = obj.NamespaceOf(),
                ["uid"] = obj.UidOf(),
                ["resourceVersion"] = obj.StringAt("metadata", "resourceVersion"),
                ["creationTimestamp"] = obj.StringAt("metadata", "creationTimestamp"),
            },
            ["spec"] = new JsonObject { ["replicas"] = JsonPath.Select(obj, paths.SpecReplicas).FirstOrDefault().AsLong() ?? 0 },
            ["status"] = status,
        };
    }

    private static string SelectorText(JsonObject selector)
    {
        var labels = (selector.ObjectAt("matchLabels") ?? []).Select(l => $"{l.Key}={l.Value.AsString()}");
        var expressions = selector.ObjectsAt("matchExpressions").Select(e => e.StringAt("operator") switch
        {
            "In" => $"{e.StringAt("key")} in ({string.Join(",", e.StringsAt("values"))})",
            "NotIn" => $"{e.StringAt("key")} notin ({string.Join(",", e.StringsAt("values"))})",
            "Exists" => e.StringAt("key")!,
            _ => $"!{e.StringAt("key")}",
        });
        return string.Join(",", labels.Concat(expressions));
    }

    private static void Set(JsonObject obj, string path, long value)
    {
        var names = path.Split('.', StringSplitOptions.RemoveEmptyEntries);
        foreach (var name in names[..^1])
        {
            obj = obj.Ensure(name);
        }

        obj[names[^1]] = value;
    }
}

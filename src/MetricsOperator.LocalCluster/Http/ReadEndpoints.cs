using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Selectors;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>Get and list. A paged list goes on at the revision of its first page.</summary>
internal sealed class ReadEndpoints(ObjectStore store, ResponseWriter responses)
{
    public Task GetAsync(ApiRequest request)
    {
        var definition = request.Definition;
        var stored = store.Get(definition.StorageKey, new ObjectKey(definition.Namespaced ? request.Info.Namespace : string.Empty, request.Info.Name))
            ?? throw ApiErrors.NotFound(definition.Group, definition.Plural, request.Info.Name);
        return responses.ObjectAsync(request, stored.Value);
    }

    public Task ListAsync(ApiRequest request)
    {
        var resource = request.Definition.StorageKey;
        var labels = LabelQuery.Parse(request.Query("labelSelector"));
        var fields = FieldQuery.Parse(request.Query("fieldSelector"), resource);
        var (snapshot, after) = Open(request, resource);
        var matching = snapshot.Objects
            .Where(p => after is null || p.Key.CompareTo(after.Value) > 0)
            .Select(p => p.Value)
            .Where(o => Matches(request, o, labels, fields))
            .ToArray();
        var limit = request.Number("limit") ?? 0;
        if (limit <= 0 || matching.Length <= limit)
        {
            return responses.ListAsync(request, matching, snapshot.Revision, null, null);
        }

        var page = matching[..(int)limit];
        var selected = request.Query("labelSelector") is not null || request.Query("fieldSelector") is not null;
        return responses.ListAsync(request, page, snapshot.Revision, Token(snapshot.Revision, page[^1].Key), selected ? null : matching.Length - limit);
    }

    /// <summary>Everything that a list request selects, without paging.</summary>
    public IReadOnlyList<StoredObject> Select(ApiRequest request)
    {
        var labels = LabelQuery.Parse(request.Query("labelSelector"));
        var fields = FieldQuery.Parse(request.Query("fieldSelector"), request.Definition.StorageKey);
        return [.. store.List(request.Definition.StorageKey).Objects.Values.Where(o => Matches(request, o, labels, fields))];
    }

    public static bool Matches(ApiRequest request, StoredObject stored, LabelQuery labels, FieldQuery fields) =>
        (request.Namespace is null || stored.Key.Namespace == request.Namespace)
        && labels.Matches(stored.Value.ObjectAt("metadata", "labels"))
        && fields.Matches(stored.Value);

    private (ResourceSnapshot Snapshot, ObjectKey? After) Open(ApiRequest request, string resource)
    {
        if (request.Query("continue") is { } token)
        {
            var (revision, key) = Read(token);
            return (store.ListAt(resource, revision), key);
        }

        var snapshot = store.List(resource);
        if (request.Number("resourceVersion") is { } wanted and > 0)
        {
            if (wanted > snapshot.Revision)
            {
                throw ApiErrors.FutureVersion(wanted, snapshot.Revision);
            }

            if (request.Query("resourceVersionMatch") == "Exact")
            {
                return (store.ListAt(resource, wanted), null);
            }
        }

        return (snapshot, null);
    }

    private static string Token(long revision, ObjectKey last) =>
        Base64Url.EncodeToString(JsonDocuments.ToBytes(new JsonObject { ["v"] = "meta.k8s.io/v1", ["rv"] = revision, ["start"] = $"{last.Namespace}/{last.Name}" }));

    private static (long Revision, ObjectKey After) Read(string token)
    {
        if (Base64Url.IsValid(token)
            && JsonDocuments.TryParseObject(Base64Url.DecodeFromChars(token)) is { } json
            && json.LongAt("rv") is { } revision
            && json.StringAt("start")?.Split('/', 2) is [var ns, var name])
        {
            return (revision, new ObjectKey(ns, name));
        }

        throw ApiErrors.BadRequest(string.Create(CultureInfo.InvariantCulture, $"continue key is not valid: {Encoding.UTF8.GetByteCount(token)} bytes"));
    }
}

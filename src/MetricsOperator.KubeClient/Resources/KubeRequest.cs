using System.Net.Http.Headers;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>One request that can be sent more than once.</summary>
internal sealed record KubeRequest(HttpMethod Method, string PathAndQuery)
{
    public ReadOnlyMemory<byte>? Body { get; init; }
    public string ContentType { get; init; } = MediaTypes.Json;
    public string Accept { get; init; } = MediaTypes.Json;

    public bool IsRead => Method == HttpMethod.Get;

    /// <summary>Verb and path for messages, without the query.</summary>
    public string Describe()
    {
        var query = PathAndQuery.IndexOf('?', StringComparison.Ordinal);
        return Method.Method + " " + (query < 0 ? PathAndQuery : PathAndQuery[..query]);
    }

    public HttpRequestMessage ToMessage(Uri uri, string userAgent)
    {
        var message = new HttpRequestMessage(Method, uri);
        message.Headers.TryAddWithoutValidation("Accept", Accept);
        message.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        if (Body is { } body)
        {
            message.Content = new ReadOnlyMemoryContent(body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(ContentType);
        }

        return message;
    }
}

/// <summary>Media types of the API.</summary>
internal static class MediaTypes
{
    public const string Json = "application/json";
    public const string MergePatch = "application/merge-patch+json";

    /// <summary>JSON is YAML; the type name is fixed by the API.</summary>
    public const string ApplyPatch = "application/apply-patch+yaml";
    public const string PartialObject = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    public const string PartialObjectList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
}

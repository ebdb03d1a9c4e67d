using System.Text.Json;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>
/// Typed calls to the API server. Every call throws <see cref="KubeApiException"/> when the server refuses, <see cref="HttpRequestException"/>,
/// <see cref="IOException"/> or <see cref="TimeoutException"/> when it cannot be reached, and <see cref="WriteFencedException"/> for writes without the lease.
/// 429 is tried again after the time the server asks for; 5xx and broken connections only for reads. Safe for concurrent use.
/// </summary>
public sealed class KubeRestClient
{
    private readonly RequestPipeline _pipeline;

    /// <param name="connection">Stays owned by the caller.</param>
    /// <param name="options">Null takes the defaults.</param>
    public KubeRestClient(KubeConnection connection, KubeRestClientOptions? options = null)
    {
        Connection = connection;
        Options = options ?? new KubeRestClientOptions();
        _pipeline = new RequestPipeline(connection, Options);
    }

    public KubeConnection Connection { get; }

    public KubeRestClientOptions Options { get; }

    /// <summary>One object; throws with <see cref="KubeApiException.IsNotFound"/> when it does not exist.</summary>
    public async Task<T> GetAsync<T>(ResourceKind<T> kind, string? ns, string name, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
        => kind.Deserialize(await _pipeline.SendAsync(Read(kind, kind.ObjectPath(ns, name), MediaTypes.PartialObject), cancellation).ConfigureAwait(false));

    /// <summary>One object, or null when it does not exist.</summary>
    public async Task<T?> FindAsync<T>(ResourceKind<T> kind, string? ns, string name, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        try
        {
            return await GetAsync(kind, ns, name, cancellation).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>All objects, read page by page at one resourceVersion.</summary>
    /// <param name="kind">What to list.</param>
    /// <param name="ns">Null lists all namespaces.</param>
    /// <param name="options">Selectors and page size.</param>
    /// <param name="cancellation">Ends the call.</param>
    public async Task<ResourceList<T>> ListAsync<T>(ResourceKind<T> kind, string? ns = null, ListOptions? options = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        options ??= new ListOptions();
        var items = new List<T>();
        var malformed = new List<MalformedObject>();
        string? next = null;
        while (true)
        {
            ResourceList<T> page;
            try
            {
                page = await ListPageAsync(kind, ns, options, next, cancellation).ConfigureAwait(false);
            }
            catch (KubeApiException e) when (e.IsGone && next is not null)
            {
                // The pages took longer than the server keeps the version: one large answer cannot expire.
                items.Clear();
                malformed.Clear();
                next = null;
                options = options with { PageSize = 0 };
                continue;
            }

            items.AddRange(page.Items);
            malformed.AddRange(page.Malformed);
            next = page.Continue;
            if (next is null)
            {
                return new ResourceList<T>(items, malformed, page.ResourceVersion, null);
            }
        }
    }

    /// <summary>One page; pass the token of the page before.</summary>
    public async Task<ResourceList<T>> ListPageAsync<T>(ResourceKind<T> kind, string? ns, ListOptions options, string? continueToken, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        var path = new QueryString(kind.CollectionPath(ns))
            .Add("labelSelector", options.LabelSelector)
            .Add("fieldSelector", options.FieldSelector)
            .Add("limit", options.PageSize > 0 ? options.PageSize : null)
            .Add("continue", continueToken)
            .Add("resourceVersion", continueToken is null ? options.ResourceVersion : null)
            .ToString();
        var body = await _pipeline.SendAsync(Read(kind, path, MediaTypes.PartialObjectList), cancellation).ConfigureAwait(false);
        return ObjectDecoder.ReadList(body, kind);
    }

    /// <summary>Changes as they happen, until the server ends the watch. Bookmarks are asked for and delivered.</summary>
    /// <exception cref="KubeApiException">Also for an error event; <see cref="KubeApiException.IsGone"/> means: list again.</exception>
    /// <exception cref="TimeoutException">The connection is half open: see <see cref="WatchOptions.IdleMargin"/>.</exception>
    public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(ResourceKind<T> kind, string? ns, WatchOptions options, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        var path = new QueryString(kind.CollectionPath(ns))
            .Add("watch", value: true)
            .Add("allowWatchBookmarks", value: true)
            .Add("labelSelector", options.LabelSelector)
            .Add("fieldSelector", options.FieldSelector)
            .Add("resourceVersion", options.ResourceVersion)
            .Add("timeoutSeconds", Math.Max(1, (long)options.Timeout.TotalSeconds))
            .ToString();
        return WatchStream.ReadAsync(_pipeline, Read(kind, path, MediaTypes.PartialObject), kind, options, Options.Time, cancellation);
    }

    /// <summary>Creates; throws with <see cref="KubeApiException.IsAlreadyExists"/> when the name is taken. Returns what was stored.</summary>
    public Task<T> CreateAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
    {
        if (kind.Namespaced && string.IsNullOrEmpty(value.Metadata.Namespace))
        {
            throw new ArgumentException($"cannot create {kind.Kind} {value.Metadata.Name}: got no namespace, want one for a namespaced kind", nameof(value));
        }

        return WriteAsync(kind, HttpMethod.Post, kind.CollectionPath(value.Metadata.Namespace), kind.Serialize(value), MediaTypes.Json, options, cancellation);
    }

    /// <summary>Replaces the whole object; with a resourceVersion in it, only that version (else <see cref="KubeApiException.IsConflict"/>).</summary>
    public Task<T> ReplaceAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
        => WriteAsync(kind, HttpMethod.Put, PathOf(kind, value), kind.Serialize(value), MediaTypes.Json, options, cancellation);

    /// <summary>Replaces the status; the rest of the object is ignored by the server.</summary>
    public Task<T> ReplaceStatusAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
        => WriteAsync(kind, HttpMethod.Put, PathOf(kind, value, "status"), kind.Serialize(value), MediaTypes.Json, options, cancellation);

    /// <summary>JSON merge patch (RFC 7386): members of the patch replace, null removes.</summary>
    public Task<T> PatchAsync<T>(
        ResourceKind<T> kind, string? ns, string name, ReadOnlyMemory<byte> mergePatch, string? subresource = null, WriteOptions? options = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
        => WriteAsync(kind, HttpMethod.Patch, kind.ObjectPath(ns, name, subresource), mergePatch, MediaTypes.MergePatch, options, cancellation);

    /// <summary>Server-side apply: the object's fields become what is given, and fields given up are removed. Throws with <see cref="KubeApiException.IsConflict"/> when another manager owns a field and force is off.</summary>
    public Task<T> ApplyAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
        => WriteAsync(kind, HttpMethod.Patch, PathOf(kind, value), kind.Serialize(value), MediaTypes.ApplyPatch, options, cancellation);

    /// <summary>Server-side apply of an object whose type is not known at compile time.</summary>
    public async Task<IKubernetesObject> ApplyObjectAsync(ResourceKind kind, IKubernetesObject value, WriteOptions? options = null, CancellationToken cancellation = default)
    {
        var request = Write(HttpMethod.Patch, PathOf(kind, value), kind.Serialize(value), MediaTypes.ApplyPatch, options);
        return kind.DeserializeObject(await _pipeline.SendAsync(request, cancellation).ConfigureAwait(false));
    }

    /// <summary>Server-side apply of the status subresource.</summary>
    public Task<T> ApplyStatusAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default)
        where T : class, IKubernetesObject
        => WriteAsync(kind, HttpMethod.Patch, PathOf(kind, value, "status"), kind.Serialize(value), MediaTypes.ApplyPatch, options, cancellation);

    /// <summary>Deletes; false when there was nothing to delete. Throws with <see cref="KubeApiException.IsConflict"/> when a precondition does not hold.</summary>
    public async Task<bool> DeleteAsync(ResourceKind kind, string? ns, string name, DeleteOptions? options = null, CancellationToken cancellation = default)
    {
        try
        {
            var request = new KubeRequest(HttpMethod.Delete, kind.ObjectPath(ns, name)) { Body = DeleteBody(options ?? new DeleteOptions()) };
            await _pipeline.SendAsync(request, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    /// <summary>The log of a container as it comes; dispose the stream to stop.</summary>
    public async Task<Stream> ReadPodLogAsync(string ns, string pod, PodLogOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new PodLogOptions();
        var path = new QueryString(ResourceKinds.Pods.ObjectPath(ns, pod, "log"))
            .Add("container", options.Container)
            .Add("follow", options.Follow)
            .Add("previous", options.Previous)
            .Add("timestamps", options.Timestamps)
            .Add("tailLines", options.TailLines)
            .ToString();
        var response = await _pipeline.OpenAsync(new KubeRequest(HttpMethod.Get, path) { Accept = "*/*" }, cancellation).ConfigureAwait(false);
        return await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The answer to a GET of any path (<c>/version</c>, <c>/metrics</c>, a service proxy).</summary>
    public Task<byte[]> GetRawAsync(string pathAndQuery, CancellationToken cancellation = default)
        => _pipeline.SendAsync(new KubeRequest(HttpMethod.Get, pathAndQuery) { Accept = "*/*" }, cancellation);

    /// <summary>Sends any body to any path; for documents whose kind is known only at run time.</summary>
    public Task<byte[]> SendRawAsync(HttpMethod method, string pathAndQuery, ReadOnlyMemory<byte> body, string contentType, CancellationToken cancellation = default)
        => _pipeline.SendAsync(new KubeRequest(method, pathAndQuery) { Body = body, ContentType = contentType }, cancellation);

    /// <summary>The resources of a group version (<c>v1</c>, <c>apps/v1</c>); empty when the server does not have it.</summary>
    public async Task<IReadOnlyList<ApiResource>> DiscoverAsync(string apiVersion, CancellationToken cancellation = default)
    {
        var path = (apiVersion.Contains('/', StringComparison.Ordinal) ? "/apis/" : "/api/") + apiVersion;
        byte[] body;
        try
        {
            body = await _pipeline.SendAsync(new KubeRequest(HttpMethod.Get, path), cancellation).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return [];
        }

        using var document = JsonDocument.Parse(body);
        return
        [
            .. document.RootElement.GetProperty("resources").EnumerateArray().Select(r => new ApiResource(
                r.GetProperty("name").GetString()!,
                r.GetProperty("kind").GetString()!,
                r.TryGetProperty("namespaced", out var namespaced) && namespaced.GetBoolean())),
        ];
    }

    private static KubeRequest Read(ResourceKind kind, string path, string metadataAccept)
        => new(HttpMethod.Get, path) { Accept = kind.MetadataOnly ? metadataAccept : MediaTypes.Json };

    private static string PathOf(ResourceKind kind, IKubernetesObject value, string? subresource = null)
        => kind.ObjectPath(value.Metadata.Namespace, value.Metadata.Name ?? throw new ArgumentException($"cannot address {kind.Kind}: got no metadata.name, want one", nameof(value)), subresource);

    private static byte[] DeleteBody(DeleteOptions options)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", "v1");
            json.WriteString("kind", "DeleteOptions");
            if (options.PropagationPolicy is not null)
            {
                json.WriteString("propagationPolicy", options.PropagationPolicy);
            }

            if (options.GracePeriodSeconds is { } grace)
            {
                json.WriteNumber("gracePeriodSeconds", grace);
            }

            if (options.PreconditionUid is not null || options.PreconditionResourceVersion is not null)
            {
                json.WriteStartObject("preconditions");
                if (options.PreconditionUid is not null)
                {
                    json.WriteString("uid", options.PreconditionUid);
                }

                if (options.PreconditionResourceVersion is not null)
                {
                    json.WriteString("resourceVersion", options.PreconditionResourceVersion);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private KubeRequest Write(HttpMethod method, string path, ReadOnlyMemory<byte> body, string contentType, WriteOptions? options)
    {
        options ??= new WriteOptions();
        var query = new QueryString(path)
            .Add("fieldManager", options.FieldManager ?? Options.FieldManager)
            .Add("force", contentType == MediaTypes.ApplyPatch && options.Force)
            .Add("dryRun", options.DryRun ? "All" : null)
            .ToString();
        return new KubeRequest(method, query) { Body = body, ContentType = contentType };
    }

    private async Task<T> WriteAsync<T>(
        ResourceKind<T> kind, HttpMethod method, string path, ReadOnlyMemory<byte> body, string contentType, WriteOptions? options, CancellationToken cancellation)
        where T : class, IKubernetesObject
        => kind.Deserialize(await _pipeline.SendAsync(Write(method, path, body, contentType, options), cancellation).ConfigureAwait(false));
}

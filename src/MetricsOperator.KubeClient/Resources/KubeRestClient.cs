using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Resources;

public sealed class KubeRestClient(KubeConnection connection, KubeRestClientOptions? options = null)
{
    public KubeConnection Connection { get; } = connection;
    public KubeRestClientOptions Options { get; } = options ?? new();
    public Task<T> GetAsync<T>(ResourceKind<T> kind, string? ns, string name, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<T?> FindAsync<T>(ResourceKind<T> kind, string? ns, string name, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<ResourceList<T>> ListAsync<T>(ResourceKind<T> kind, string? ns = null, ListOptions? options = null, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public IAsyncEnumerable<WatchEvent<T>> WatchAsync<T>(ResourceKind<T> kind, string? ns, WatchOptions options, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<T> CreateAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<T> ReplaceAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<T> ReplaceStatusAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<T> PatchAsync<T>(ResourceKind<T> kind, string? ns, string name, ReadOnlyMemory<byte> mergePatch, string? subresource = null, WriteOptions? options = null, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<T> ApplyAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<IKubernetesObject> ApplyObjectAsync(ResourceKind kind, IKubernetesObject value, WriteOptions? options = null, CancellationToken cancellation = default) => throw new NotImplementedException();
    public Task<T> ApplyStatusAsync<T>(ResourceKind<T> kind, T value, WriteOptions? options = null, CancellationToken cancellation = default) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task<bool> DeleteAsync(ResourceKind kind, string? ns, string name, DeleteOptions? options = null, CancellationToken cancellation = default) => throw new NotImplementedException();
    public Task<Stream> ReadPodLogAsync(string ns, string pod, PodLogOptions? options = null, CancellationToken cancellation = default) => throw new NotImplementedException();
    public Task<byte[]> GetRawAsync(string pathAndQuery, CancellationToken cancellation = default) => throw new NotImplementedException();
    public Task<byte[]> SendRawAsync(HttpMethod method, string pathAndQuery, ReadOnlyMemory<byte> body, string contentType, CancellationToken cancellation = default) => throw new NotImplementedException();
    public Task<IReadOnlyList<ApiResource>> DiscoverAsync(string apiVersion, CancellationToken cancellation = default) => throw new NotImplementedException();
}

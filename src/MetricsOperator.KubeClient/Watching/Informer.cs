using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.KubeClient.Watching;

public sealed class Informer<T>(KubeRestClient client, ResourceKind<T> kind, InformerOptions<T>? options = null) where T : class, IKubernetesObject
{
    public ResourceKind<T> Kind { get; } = kind;
    public ObjectCache<T> Cache { get; } = new((options ?? new()).Indexes);
    public bool HasSynced => throw new NotImplementedException();
    public Exception? LastError => throw new NotImplementedException();
    public IReadOnlyDictionary<ObjectKey, MalformedObject> Malformed => throw new NotImplementedException();
    public Task WaitForSyncAsync(CancellationToken cancellation = default) => throw new NotImplementedException();
    public IDisposable Subscribe(Action<InformerEvent<T>> handler) => throw new NotImplementedException();
    public Task RunAsync(CancellationToken cancellation) => client.GetRawAsync("", cancellation);
}

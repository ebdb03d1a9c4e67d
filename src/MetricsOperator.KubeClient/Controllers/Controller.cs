using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Watching;

namespace MetricsOperator.KubeClient.Controllers;

public sealed class Controller<TKey>(string name, IReconciler<TKey> reconciler, ControllerOptions? options = null) : IDisposable where TKey : notnull
{
    public string Name { get; } = name;
    public WorkQueue<TKey> Queue { get; } = new(name, (options ?? new()).Queue);
    public void Watch<T>(Informer<T> informer, Func<T, IEnumerable<TKey>> keysOf, Func<InformerEvent<T>, bool>? filter = null, int priority = WorkPriority.Dependent) where T : class, IKubernetesObject => throw new NotImplementedException();
    public Task RunAsync(CancellationToken cancellation) => reconciler.ReconcileAsync(default!, cancellation).AsTask();
    public void Dispose()
    {
    }
}

namespace MetricsOperator.KubeClient.Controllers;

public sealed class WorkQueue<TKey>(string name, WorkQueueOptions? options = null) : IDisposable where TKey : notnull
{
    public string Name { get; } = name;
    public WorkQueueOptions Options { get; } = options ?? new();
    public int Depth => throw new NotImplementedException();
    public void Add(TKey key, int priority = 0) => throw new NotImplementedException();
    public void AddAfter(TKey key, TimeSpan delay, int priority = 0) => throw new NotImplementedException();
    public void AddRateLimited(TKey key, int priority = 0) => throw new NotImplementedException();
    public int Failures(TKey key) => throw new NotImplementedException();
    public void Forget(TKey key) => throw new NotImplementedException();
    public ValueTask<WorkItem<TKey>> TakeAsync(CancellationToken cancellation) => throw new NotImplementedException();
    public void Done(TKey key) => throw new NotImplementedException();
    public void Dispose()
    {
    }
}

using System.Text.Json;
using MetricsOperator.KubeClient.Diagnostics;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.KubeClient.Watching;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.KubeClient.Controllers;

/// <summary>Takes keys from its queue and reconciles them, several at a time, one at a time per key. Results decide when a key comes again; no worker ever waits for one.</summary>
public sealed class Controller<TKey> : IDisposable
    where TKey : notnull
{
    private readonly IReconciler<TKey> _reconciler;
    private readonly ControllerOptions _options;
    private readonly List<IDisposable> _subscriptions = [];
    private readonly KeyValuePair<string, object?> _tag;

    /// <param name="name">Label of metrics and logs.</param>
    /// <param name="reconciler">The work.</param>
    /// <param name="options">Null takes the defaults.</param>
    public Controller(string name, IReconciler<TKey> reconciler, ControllerOptions? options = null)
    {
        Name = name;
        _reconciler = reconciler;
        _options = options ?? new ControllerOptions();
        _tag = new("controller", name);
        Queue = new WorkQueue<TKey>(name, _options.Queue);
    }

    public string Name { get; }

    public WorkQueue<TKey> Queue { get; }

    /// <summary>Adds the keys that a changed object concerns: those of its old and of its new form. First lists and resyncs come at background priority.</summary>
    /// <param name="informer">What to follow.</param>
    /// <param name="keysOf">The keys an object concerns.</param>
    /// <param name="filter">False leaves the change out; null takes all.</param>
    /// <param name="priority">For changes that are news.</param>
    public void Watch<T>(Informer<T> informer, Func<T, IEnumerable<TKey>> keysOf, Func<InformerEvent<T>, bool>? filter = null, int priority = WorkPriority.Dependent)
        where T : class, IKubernetesObject
        => _subscriptions.Add(informer.Subscribe(change =>
        {
            if (filter is not null && !filter(change))
            {
                return;
            }

            var urgency = change.IsBackground ? WorkPriority.Background : priority;
            AddAll(change.New is null ? [] : keysOf(change.New), urgency);
            if (change.Old is not null && !ReferenceEquals(change.Old, change.New))
            {
                AddAll(keysOf(change.Old), urgency);
            }
        }));

    /// <summary>Works until cancelled and returns when the running reconciles have ended. Start it when the informers have synced.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        KubeClientMeter.MaxConcurrent.Add(_options.Workers, _tag);
        try
        {
            await Task.WhenAll(Enumerable.Range(0, _options.Workers).Select(_ => Task.Run(() => WorkAsync(cancellation), CancellationToken.None))).ConfigureAwait(false);
        }
        finally
        {
            KubeClientMeter.MaxConcurrent.Add(-_options.Workers, _tag);
        }
    }

    /// <summary>Ends the subscriptions and the queue.</summary>
    public void Dispose()
    {
        foreach (var subscription in _subscriptions)
        {
            subscription.Dispose();
        }

        Queue.Dispose();
    }

    private void AddAll(IEnumerable<TKey> keys, int priority)
    {
        foreach (var key in keys)
        {
            Queue.Add(key, priority);
        }
    }

    private async Task WorkAsync(CancellationToken cancellation)
    {
        while (true)
        {
            WorkItem<TKey> item;
            try
            {
                item = await Queue.TakeAsync(cancellation).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            var start = _options.Time.GetTimestamp();
            KubeClientMeter.ActiveWorkers.Add(1, _tag);
            var result = await ReconcileAsync(item.Key, cancellation).ConfigureAwait(false);
            KubeClientMeter.ActiveWorkers.Add(-1, _tag);
            KubeClientMeter.ReconcileDuration.Record(_options.Time.GetElapsedTime(start).TotalSeconds, _tag);
            Schedule(item, result, cancellation.IsCancellationRequested);
            Queue.Done(item.Key);
        }
    }

    private async Task<ReconcileResult> ReconcileAsync(TKey key, CancellationToken cancellation)
    {
        using var limit = _options.ReconcileTimeout is { } timeout ? new CancellationTokenSource(timeout, _options.Time) : new CancellationTokenSource();
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await _reconciler.ReconcileAsync(key, both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ReconcileResult.Failed("stopped");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            KubeClientMeter.ReconcileTimeouts.Add(1, _tag);
            return ReconcileResult.Failed($"not finished within {_options.ReconcileTimeout!.Value.TotalSeconds:0.###} s");
        }
        catch (Exception e) when (e is KubeApiException { IsConflict: true } or WriteFencedException)
        {
            // Somebody else wrote first, or this process is about to stop: nothing is wrong.
            _options.Logger.LogDebug(e, "{Controller} {Key}: overtaken, trying again", Name, key);
            return ReconcileResult.Failed(e.Message);
        }
        catch (Exception e) when (e is KubeApiException or HttpRequestException or IOException or TimeoutException or JsonException)
        {
            return ReconcileResult.Failed(e.Message);
        }
        catch (Exception e)
        {
            // A bug in the reconciler must not end the work on other keys.
            KubeClientMeter.ReconcilePanics.Add(1, _tag);
            _options.Logger.LogError(e, "{Controller} {Key}: unexpected exception", Name, key);
            return ReconcileResult.Failed($"{e.GetType().Name}: {e.Message}");
        }
    }

    private void Schedule(WorkItem<TKey> item, ReconcileResult result, bool stopping)
    {
        switch (result.Outcome)
        {
            case ReconcileOutcome.Done:
                Queue.Forget(item.Key);
                Count("success");
                break;
            case ReconcileOutcome.After:
                Queue.Forget(item.Key);
                Queue.AddAfter(item.Key, result.Delay, WorkPriority.Dependent);
                Count("requeue_after");
                break;
            case ReconcileOutcome.Terminal:
                Queue.Forget(item.Key);
                KubeClientMeter.TerminalErrors.Add(1, _tag);
                Count("error");
                _options.Logger.LogWarning("{Controller} {Key}: waits for a change: {Reason}", Name, item.Key, result.Reason);
                break;
            case ReconcileOutcome.Failed when stopping:
                break;
            default:
                Queue.AddRateLimited(item.Key, item.Priority);
                KubeClientMeter.ReconcileErrors.Add(1, _tag);
                Count("error");
                _options.Logger.LogWarning("{Controller} {Key}: failed {Failures} times, trying again: {Reason}", Name, item.Key, Queue.Failures(item.Key), result.Reason);
                break;
        }
    }

    private void Count(string result) => KubeClientMeter.Reconciles.Add(1, _tag, new("result", result));
}

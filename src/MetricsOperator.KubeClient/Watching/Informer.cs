using System.Text.Json;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Diagnostics;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.KubeClient.Watching;

/// <summary>
/// Follows a kind: lists it, then watches from the listed version, and keeps <see cref="Cache"/> equal to the cluster. When the watch ends it goes on
/// from the last version; when that is too old (410) it lists again and finds what was missed, deletions included. It never gives up: errors are
/// logged, counted, shown in <see cref="LastError"/> and followed by back-off.
/// </summary>
public sealed class Informer<T>
    where T : class, IKubernetesObject
{
    private const int FailuresBeforeList = 5;
    private readonly KubeRestClient _client;
    private readonly InformerOptions<T> _options;
    private readonly InformerStore<T> _store;
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly KeyValuePair<string, object?> _tag;
    private volatile Exception? _lastError;

    public Informer(KubeRestClient client, ResourceKind<T> kind, InformerOptions<T>? options = null)
    {
        _client = client;
        _options = options ?? new InformerOptions<T>();
        _store = new InformerStore<T>(_options);
        _tag = new("resource", kind.Plural);
        Kind = kind;
    }

    public ResourceKind<T> Kind { get; }

    public ObjectCache<T> Cache => _store.Cache;

    /// <summary>True once the first list is complete in the cache and delivered.</summary>
    public bool HasSynced => _synced.Task.IsCompleted;

    /// <summary>Why the informer cannot follow at the moment; null while it can.</summary>
    public Exception? LastError => _lastError;

    /// <summary>Objects whose newest form does not fit the type; the cache keeps their last good form.</summary>
    public IReadOnlyDictionary<ObjectKey, MalformedObject> Malformed => _store.Malformed;

    /// <summary>Completes when <see cref="HasSynced"/> becomes true.</summary>
    public Task WaitForSyncAsync(CancellationToken cancellation = default) => _synced.Task.WaitAsync(cancellation);

    /// <summary>Delivers every change, after first delivering what the cache already holds. Handlers run one after another on the informer's loop: they note a key and return.</summary>
    /// <returns>Dispose it to end the delivery.</returns>
    public IDisposable Subscribe(Action<InformerEvent<T>> handler) => _store.Subscribe(handler);

    /// <summary>Follows until cancelled; then returns.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var resync = StartResync();
        var failures = 0;
        string? version = null;
        while (!cancellation.IsCancellationRequested)
        {
            var start = _options.Time.GetTimestamp();
            try
            {
                version ??= await ListAsync(cancellation).ConfigureAwait(false);
                await foreach (var change in WatchAsync(version, cancellation).ConfigureAwait(false))
                {
                    _store.Apply(change);
                    version = change.ResourceVersion.Length > 0 ? change.ResourceVersion : version;
                    failures = 0;
                }

                // A watch that ends by itself is normal, unless it ends at once again and again.
                failures = _options.Time.GetElapsedTime(start) < TimeSpan.FromSeconds(1) ? failures + 1 : 0;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (IsExpected(e))
            {
                var hadLasted = _options.Time.GetElapsedTime(start) > _options.MaxBackoff;
                failures = e is KubeApiException { IsGone: true } ? 0 : hadLasted ? 1 : failures + 1;
                version = NeedsList(e, failures) ? null : version;
                Report(e, failures);
            }

            if (failures > 0)
            {
                await PauseAsync(failures, cancellation).ConfigureAwait(false);
            }
        }
    }

    private static bool IsExpected(Exception e)
        => e is KubeApiException or HttpRequestException or IOException or TimeoutException or JsonException or KubeConfigException;

    // A broken connection or a busy server goes on from the same version: lists are what an overloaded server can bear least.
    // When that does not help, or the server calls the version too old, only a list does.
    private static bool NeedsList(Exception e, int failures) => failures >= FailuresBeforeList
        || (e is KubeApiException api && !api.IsTooManyRequests && !api.IsUnauthorized && !api.IsForbidden && (int)api.StatusCode < 500);

    private async Task<string> ListAsync(CancellationToken cancellation)
    {
        KubeClientMeter.Lists.Add(1, _tag);
        var list = await _client.ListAsync(Kind, _options.Namespace, new ListOptions
        {
            LabelSelector = _options.LabelSelector,
            FieldSelector = _options.FieldSelector,
            PageSize = _options.PageSize,
        }, cancellation).ConfigureAwait(false);
        _store.Replace(list, isFirst: !HasSynced);
        _lastError = null;
        _synced.TrySetResult();
        return list.ResourceVersion;
    }

    private IAsyncEnumerable<WatchEvent<T>> WatchAsync(string version, CancellationToken cancellation)
    {
        KubeClientMeter.Watches.Add(1, _tag);
        return _client.WatchAsync(Kind, _options.Namespace, new WatchOptions
        {
            LabelSelector = _options.LabelSelector,
            FieldSelector = _options.FieldSelector,
            ResourceVersion = version,
            Timeout = _options.MinWatchTimeout * (1 + Random.Shared.NextDouble()),
            IdleMargin = _options.IdleMargin,
            OnOpen = () => _lastError = null,
        }, cancellation);
    }

    private ITimer? StartResync() => _options.Resync is { } period
        ? _options.Time.CreateTimer(_ => _store.Resync(), null, period, period)
        : null;

    private void Report(Exception e, int failures)
    {
        _lastError = e is KubeApiException { IsGone: true } ? null : e;
        var reason = e is KubeApiException api ? api.Status.Reason ?? api.StatusCode.ToString() : e.GetType().Name;
        KubeClientMeter.WatchFailures.Add(1, _tag, new("reason", reason));
        var level = e is KubeApiException { IsGone: true } || failures == 1 ? LogLevel.Information : LogLevel.Warning;
        _options.Logger.Log(level, "Informer for {Resource} goes on after an error ({Failures} in a row): {Error}", Kind.ToString(), failures, e.Message);
    }

    private async Task PauseAsync(int failures, CancellationToken cancellation)
    {
        var exponential = _options.MinBackoff * Math.Pow(2, Math.Min(failures - 1, 30));
        var capped = exponential < _options.MaxBackoff ? exponential : _options.MaxBackoff;
        try
        {
            await Task.Delay(capped * (0.5 + Random.Shared.NextDouble()), _options.Time, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop's condition ends the informer.
        }
    }
}

using System.Text.Json.Nodes;
using System.Threading.Channels;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Volumes;
using MetricsOperator.LocalCluster.Store;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>
/// Brings one pod to where its document says: one loop that looks at the newest document and at its containers, does what is due, writes the status
/// when it differs, and sleeps until something wakes it.
/// </summary>
internal sealed class PodWorker : IAsyncDisposable
{
    private static readonly TimeSpan Resync = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RetryAfterFault = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestGraceAtStop = TimeSpan.FromSeconds(15);

    private readonly KubeletServices _kubelet;
    private readonly Channel<byte> _wakeups = Channel.CreateBounded<byte>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly PodVolumes _volumes;
    private readonly IReadOnlyList<ContainerLife> _init;
    private readonly IReadOnlyList<ContainerLife> _main;
    private readonly string? _address;
    private readonly Task _loop;

    private volatile JsonObject _pod;
    private volatile bool _gone;
    private bool _removed;
    private TimeSpan? _stopGrace;
    private Task? _stopping;

    /// <summary>Starts the worker.</summary>
    /// <param name="kubelet">What pods share.</param>
    /// <param name="pod">The pod, bound to this node.</param>
    /// <param name="finished">Called once when the pod is gone and cleaned up.</param>
    public PodWorker(KubeletServices kubelet, JsonObject pod, Action<PodWorker> finished)
    {
        _kubelet = kubelet;
        _pod = pod;
        Uid = pod.UidOf();
        _volumes = new PodVolumes(kubelet.Api, kubelet.VolumeSource, kubelet.Time);
        _address = pod.BoolAt("spec", "hostNetwork") == true
            ? kubelet.Node.Address
            : kubelet.Addresses.Assign(Uid, pod.StringAt("status", "podIP"));
        var policy = pod.StringAt("spec", "restartPolicy") ?? "Always";
        _init = [.. Lives(pod, "initContainers", "initContainerStatuses", spec => spec.StringAt("restartPolicy") == "Always" ? "Always" : policy == "Never" ? "Never" : "OnFailure")];
        _main = [.. Lives(pod, "containers", "containerStatuses", _ => policy)];
        _loop = Task.Run(() => RunAsync(finished), CancellationToken.None);
    }

    public string Uid { get; }

    /// <summary>The newest document of the pod.</summary>
    public JsonObject Pod => _pod;

    /// <summary>A newer document of the pod.</summary>
    public void Update(JsonObject pod)
    {
        _pod = pod;
        Wake();
    }

    /// <summary>The pod's object is gone; what still runs is ended.</summary>
    public void Gone()
    {
        _gone = true;
        Wake();
    }

    /// <summary>Makes the worker look again, for example because a ConfigMap changed.</summary>
    public void Wake() => _wakeups.Writer.TryWrite(0);

    /// <summary>How many times the container was restarted, or null for an unknown container; names its newest log.</summary>
    public int? RestartCount(string container) => _main.Concat(_init).FirstOrDefault(life => life.Name == container)?.RestartCount;

    /// <summary>Why the container waits, or null when it does not.</summary>
    public string? WaitingReason(string container) =>
        (_main.Concat(_init).FirstOrDefault(life => life.Name == container)?.State as WaitingState)?.Reason;

    /// <summary>Whether the container runs now.</summary>
    public bool IsRunning(string container) => _main.Concat(_init).Any(life => life.Name == container && life.IsRunning);

    /// <summary>Ends the containers because the cluster stops. The status stays: to the API the node is simply away.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        var grace = TimeSpan.FromSeconds(_pod.LongAt("spec", "terminationGracePeriodSeconds") ?? 30);
        await StopContainersAsync(grace < LongestGraceAtStop ? grace : LongestGraceAtStop);
        _stop.Dispose();
    }

    private IEnumerable<ContainerLife> Lives(JsonObject pod, string specs, string statuses, Func<JsonObject, string> policy) =>
        pod.ObjectsAt("spec", specs).Select(spec => new ContainerLife(
            _kubelet,
            spec,
            policy(spec),
            specs == "initContainers",
            pod.ObjectsAt("status", statuses).FirstOrDefault(status => status.StringAt("name") == spec.StringAt("name")),
            Wake));

    private async Task RunAsync(Action<PodWorker> finished)
    {
        while (!_stop.IsCancellationRequested)
        {
            TimeSpan? next;
            try
            {
                next = await SyncAsync();
            }
            catch (ApiStatusException e)
            {
                _kubelet.Logger.LogInformation("Pod {Namespace}/{Pod} is looked at again: {Message}", _pod.NamespaceOf(), _pod.NameOf(), e.Message);
                next = RetryAfterFault;
            }
#pragma warning disable CA1031 // The loop of a pod must survive any fault of one pass; the next pass starts from the documents again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _kubelet.Logger.LogError(e, "Cannot bring pod {Namespace}/{Pod} to its specification", _pod.NamespaceOf(), _pod.NameOf());
                next = RetryAfterFault;
            }

            if (_gone && next is null)
            {
                finished(this);
                return;
            }

            await SleepAsync(next ?? Resync);
        }
    }

    private async Task SleepAsync(TimeSpan longest)
    {
        if (longest <= TimeSpan.Zero)
        {
            return;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var woken = _wakeups.Reader.ReadAsync(either.Token).AsTask();
        await Task.WhenAny(woken, Task.Delay(longest, _kubelet.Time, either.Token));
        await either.CancelAsync();
        await ((Task)woken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>One look at the pod; returns when to look again at the latest, or null for "when woken".</summary>
    private async Task<TimeSpan?> SyncAsync()
    {
        var pod = _pod;
        var context = new PodContext(pod, _address ?? string.Empty, _kubelet.Node, Path.Join(_kubelet.PodsFolder, Uid));
        if (_gone)
        {
            await StopContainersAsync(TimeSpan.FromSeconds(pod.LongAt("metadata", "deletionGracePeriodSeconds") ?? 0));
            CleanUp(context);
            return null;
        }

        if (pod.IsBeingDeleted())
        {
            return await EndAsync(context, pod);
        }

        if (pod.StringAt("status", "phase") is "Succeeded" or "Failed")
        {
            await StopContainersAsync(TimeSpan.Zero);
            return null;
        }

        try
        {
            _volumes.Sync(context);
        }
        catch (VolumeException e)
        {
            _kubelet.Events.Warning(pod, "FailedMount", e.Message);
            Publish();
            return RetryAfterFault;
        }

        var next = await StepAllAsync(context);
        Publish();
        return next;
    }

    private async Task<TimeSpan?> StepAllAsync(PodContext context)
    {
        TimeSpan? next = null;
        foreach (var life in _init)
        {
            next = Earlier(next, await life.StepAsync(context, _volumes));
            var passed = life.Container.StringAt("restartPolicy") == "Always" ? life.Started : life.Succeeded;
            if (!passed)
            {
                foreach (var main in _main)
                {
                    main.Wait("PodInitializing");
                }

                return next;
            }
        }

        foreach (var life in _main)
        {
            next = Earlier(next, await life.StepAsync(context, _volumes));
        }

        return next;
    }

    private static TimeSpan? Earlier(TimeSpan? one, TimeSpan? other) => one is null || other < one ? other : one;

    /// <summary>Graceful deletion: end the containers, write how they ended, then take the object out of the API.</summary>
    private async Task<TimeSpan?> EndAsync(PodContext context, JsonObject pod)
    {
        if (_removed)
        {
            return null;
        }

        var grace = TimeSpan.FromSeconds(pod.LongAt("metadata", "deletionGracePeriodSeconds") ?? pod.LongAt("spec", "terminationGracePeriodSeconds") ?? 30);
        if (_stopGrace is null || grace < _stopGrace)
        {
            foreach (var life in _main.Concat(_init).Where(life => _stopGrace is null && life.IsRunning))
            {
                _kubelet.Events.Normal(pod, "Killing", $"Stopping container {life.Name}", $"spec.containers{{{life.Name}}}");
            }

            _stopGrace = grace;
            _stopping = WakeWhenStoppedAsync(grace);
        }

        if (!_stopping!.IsCompleted)
        {
            return Resync;
        }

        foreach (var life in _main.Concat(_init))
        {
            await life.RecordStoppedAsync(context);
        }

        Publish();
        try
        {
            _kubelet.Api.Delete("pods", context.Namespace, context.Name, new DeleteOptions { GracePeriodSeconds = 0, Uid = Uid });
        }
        catch (ApiStatusException e) when (e.IsNotFound || e.IsConflict)
        {
            // Somebody removed it at once; the watch says so soon.
        }

        _removed = true;
        return null;
    }

    private async Task WakeWhenStoppedAsync(TimeSpan grace)
    {
        await StopContainersAsync(grace);
        Wake();
    }

    private Task StopContainersAsync(TimeSpan grace) => Task.WhenAll(_main.Concat(_init).Select(life => life.StopAsync(grace)));

    private void CleanUp(PodContext context)
    {
        _kubelet.Addresses.Release(Uid);
        if (Directory.Exists(context.Folder))
        {
            Directory.Delete(context.Folder, recursive: true);
        }
    }

    /// <summary>Writes the status when it differs from what is stored; a conflict means somebody else wrote meanwhile.</summary>
    private void Publish()
    {
        for (var attempt = 0; ; attempt++)
        {
            var stored = _kubelet.Api.Get("pods", _pod.NamespaceOf(), _pod.NameOf());
            if (stored is null || stored.UidOf() != Uid)
            {
                return;
            }

            var status = PodStatus.Build(stored, _init, _main, _kubelet.Node, _address, _kubelet.Time.GetUtcNow());
            if (JsonNode.DeepEquals(status, stored["status"]))
            {
                return;
            }

            stored["status"] = status;
            try
            {
                _kubelet.Api.UpdateStatus("pods", stored, "kubelet");
                return;
            }
            catch (ApiStatusException e) when (e.IsConflict && attempt < 5)
            {
                // Start again from the newer document.
            }
        }
    }
}

using System.ComponentModel;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Probes;
using MetricsOperator.LocalCluster.Kubelet.Processes;
using MetricsOperator.LocalCluster.Kubelet.Volumes;
using MetricsOperator.LocalCluster.Rules;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>
/// The life of one container of a pod over all its runs: start, end, back-off, restart. Owned by the pod's worker, which calls
/// <see cref="StepAsync"/> whenever something may have to be done; everything else only wakes the worker.
/// </summary>
internal sealed class ContainerLife : IAsyncDisposable
{
    private static readonly TimeSpan ConfigRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PullRetryShown = TimeSpan.FromSeconds(1);

    private readonly KubeletServices _kubelet;
    private readonly string _restartPolicy;
    private readonly Action _wake;
    private readonly CrashBackoff _backoff;
    private readonly CrashBackoff _pullBackoff;
    private readonly string _fieldPath;

    private ContainerRun? _run;
    private ContainerPlan? _plan;
    private ContainerProbes? _probes;
    private string? _containerId;
    private string? _imageId;
    private TerminatedState? _last;
    private DateTimeOffset _notBefore = DateTimeOffset.MinValue;
    private bool _everStarted;
    private volatile bool _stopping;

    /// <param name="kubelet">What pods share.</param>
    /// <param name="container">The container's specification.</param>
    /// <param name="restartPolicy">Always, OnFailure or Never: when an ended run is followed by another.</param>
    /// <param name="isInit">Whether it is an init container.</param>
    /// <param name="earlier">Its status from an earlier run of the cluster, or null.</param>
    /// <param name="wake">Called from any thread when the worker must look again.</param>
    public ContainerLife(KubeletServices kubelet, JsonObject container, string restartPolicy, bool isInit, JsonObject? earlier, Action wake)
    {
        _kubelet = kubelet;
        Container = container;
        _restartPolicy = restartPolicy;
        _wake = wake;
        _backoff = new CrashBackoff(kubelet.BackoffScale);
        _pullBackoff = new CrashBackoff(kubelet.BackoffScale);
        Name = container.StringAt("name") ?? string.Empty;
        _fieldPath = $"spec.{(isInit ? "initContainers" : "containers")}{{{Name}}}";
        if (earlier.StringAt("containerID") is { Length: > 0 } id)
        {
            Resume(earlier!, id, isInit);
        }
    }

    public string Name { get; }

    public JsonObject Container { get; }

    public int RestartCount { get; private set; }

    public ContainerState State { get; private set; } = new WaitingState("ContainerCreating");

    /// <summary>Whether it ended and will not be started again.</summary>
    public bool IsOver => State is TerminatedState ended && !WillRestart(ended);

    /// <summary>Whether it ended for good with exit code 0.</summary>
    public bool Succeeded => State is TerminatedState { ExitCode: 0 } && IsOver;

    public bool IsRunning => _run is not null;

    /// <summary>Whether it waits and has never ended (a container in back-off has).</summary>
    public bool WaitsForFirstStart => State is WaitingState && _last is null;

    public bool Started => State is RunningState && _probes?.Started != false;

    public bool Ready => State is RunningState && _probes?.Ready != false;

    /// <summary>Marks a container that must wait for others (PodInitializing) or for volumes (ContainerCreating).</summary>
    public void Wait(string reason)
    {
        if (State is WaitingState && !_everStarted)
        {
            State = new WaitingState(reason);
        }
    }

    /// <summary>
    /// Does the next thing: takes note of an end, starts or restarts what is due. Returns when to be called again at the latest (zero: publish the
    /// status and call again), or null when only an event can change anything.
    /// </summary>
    public async Task<TimeSpan?> StepAsync(PodContext pod, PodVolumes volumes)
    {
        if (_run is { } run)
        {
            if (!run.Exited.IsCompleted)
            {
                return null;
            }

            await RecordEndAsync(pod, run);
            return TimeSpan.Zero;
        }

        if (IsOver)
        {
            return null;
        }

        var now = _kubelet.Time.GetUtcNow();
        if (now < _notBefore)
        {
            ShowBackoff(pod);
            return _notBefore - now;
        }

        return await StartAsync(pod, volumes);
    }

    /// <summary>Ends the container (SIGTERM, then SIGKILL after the grace period); ends when it has ended.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        _stopping = true;
        if (_run is { } run)
        {
            await run.StopAsync(grace);
        }

        await DisposeAsync();
    }

    /// <summary>Takes note of the end of a stopped container.</summary>
    public async Task RecordStoppedAsync(PodContext pod)
    {
        if (_run is { Exited.IsCompleted: true } run)
        {
            await RecordEndAsync(pod, run);
        }
    }

    /// <summary>Stops the probes of the current run.</summary>
    public ValueTask DisposeAsync() => _probes?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>The container's entry of <c>containerStatuses</c>.</summary>
    public JsonObject ToStatus()
    {
        var status = new JsonObject();
        if (_containerId is not null)
        {
            status["containerID"] = _containerId;
        }

        status["image"] = Container.StringAt("image");
        status["imageID"] = _imageId ?? string.Empty;
        status["lastState"] = _last?.ToJson() ?? [];
        status["name"] = Name;
        status["ready"] = Ready;
        status["restartCount"] = RestartCount;
        status["started"] = Started;
        status["state"] = State.ToJson();
        return status;
    }

    /// <summary>Goes on from what an earlier run of the cluster left: its processes are gone, as after a reboot of a node.</summary>
    private void Resume(JsonObject earlier, string id, bool isInit)
    {
        _containerId = id;
        _imageId = earlier.StringAt("imageID");
        _everStarted = true;
        RestartCount = (int)(earlier.LongAt("restartCount") ?? 0);
        _last = TerminatedState.Read(earlier.ObjectAt("state", "terminated") ?? earlier.ObjectAt("lastState", "terminated"));
        if (earlier.ObjectAt("state", "terminated") is not null && _last is { } ended && !isInit && !WillRestart(ended))
        {
            State = ended;
            _last = TerminatedState.Read(earlier.ObjectAt("lastState", "terminated"));
        }
        else if (earlier.ObjectAt("state", "running") is { } running)
        {
            _last = new TerminatedState(id, 255, "Unknown", null, running.Time("startedAt"), _kubelet.Time.GetUtcNow());
        }
    }

    private bool WillRestart(TerminatedState ended) => _restartPolicy == "Always" || (_restartPolicy == "OnFailure" && ended.ExitCode != 0);

    private async Task RecordEndAsync(PodContext pod, ContainerRun run)
    {
        var exit = await run.Exited;
        await DisposeAsync();
        _run = null;
        var startedAt = ((RunningState)State).StartedAt;
        var message = TerminationMessage.Read(_plan!.TerminationFile);
        if (message is null && exit.ExitCode != 0 && Container.StringAt("terminationMessagePolicy") == "FallbackToLogsOnError")
        {
            message = TerminationMessage.ReadLogTail(LogFile(pod));
        }

        var reason = exit.OutOfMemory ? "OOMKilled" : exit.ExitCode == 0 ? "Completed" : "Error";
        State = new TerminatedState(_containerId!, exit.ExitCode, reason, message, startedAt, exit.FinishedAt);
        _backoff.RecordEnd(exit.FinishedAt - startedAt);
        _notBefore = exit.FinishedAt + _backoff.Actual;
    }

    /// <summary>While a restart is put off, the state says so and the end moves to lastState.</summary>
    private void ShowBackoff(PodContext pod)
    {
        if (State is TerminatedState ended)
        {
            _last = ended;
            State = new WaitingState(
                "CrashLoopBackOff",
                FormattableString.Invariant(
                    $"back-off {BackoffText(_backoff.Nominal)} restarting failed container={Name} pod={pod.Name}_{pod.Namespace}({pod.Uid})"));
            _kubelet.Events.Warning(pod.Pod, "BackOff", "Back-off restarting failed container", _fieldPath);
        }
        else if (State is WaitingState { Reason: "ErrImagePull" })
        {
            var image = Container.StringAt("image");
            State = new WaitingState("ImagePullBackOff", $"Back-off pulling image \"{image}\"");
            _kubelet.Events.Normal(pod.Pod, "BackOff", $"Back-off pulling image \"{image}\"", _fieldPath);
            _kubelet.Events.Warning(pod.Pod, "Failed", "Error: ImagePullBackOff", _fieldPath);
        }
    }

    /// <summary>As Go writes a duration: 10s, 1m20s, 5m0s.</summary>
    private static string BackoffText(TimeSpan wait) =>
        wait.TotalSeconds < 60 ? FormattableString.Invariant($"{wait.TotalSeconds:0}s") : FormattableString.Invariant($"{(int)wait.TotalMinutes}m{wait.Seconds}s");

    private async Task<TimeSpan?> StartAsync(PodContext pod, PodVolumes volumes)
    {
        var image = Container.StringAt("image") ?? string.Empty;
        if (_kubelet.Images.Find(image) is not { } executable)
        {
            return RefuseImage(pod, image);
        }

        if (State is TerminatedState ended)
        {
            _last = ended;
        }

        var run = _everStarted ? RestartCount + 1 : 0;
        try
        {
            _plan = _kubelet.Planner.Plan(pod, Container, volumes, run);
        }
        catch (ContainerConfigException e)
        {
            State = new WaitingState(e.Reason, e.Message);
            _kubelet.Events.Warning(pod.Pod, "Failed", $"Error: {e.Message}", _fieldPath);
            return ConfigRetry * _kubelet.BackoffScale;
        }

        RestartCount = run;
        _everStarted = true;
        _containerId = "containerd://" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        _imageId = ImageMap.Digest(executable);
        _kubelet.Events.Normal(pod.Pod, "Pulled", $"Container image \"{image}\" already present on machine", _fieldPath);
        _kubelet.Events.Normal(pod.Pod, "Created", $"Created container {Name}", _fieldPath);
        var program = _plan.Launch.Executable;
        if (!File.Exists(program))
        {
            return FailStart(pod, $"exec: \"{program}\": executable file not found");
        }

        try
        {
            _run = await _kubelet.Runtime.StartAsync(
                _containerId["containerd://".Length..], _plan.Launch, MemoryLimit(), LogFile(pod));
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            return FailStart(pod, e.Message);
        }

        State = new RunningState(_kubelet.Time.GetUtcNow());
        _kubelet.Events.Normal(pod.Pod, "Started", $"Started container {Name}", _fieldPath);
        _kubelet.Logs.Prune(pod.Namespace, pod.Name, pod.Uid, Name, RestartCount);
        StartProbes(pod, _run);
        _ = WakeAfterAsync(_run.Exited);
        return null;
    }

    private TimeSpan RefuseImage(PodContext pod, string image)
    {
        var message = $"cannot pull image \"{image}\": no executable stands for it here, want a mapping --image {image}=EXECUTABLE when the cluster starts";
        State = new WaitingState("ErrImagePull", message);
        _kubelet.Events.Warning(pod.Pod, "Failed", $"Failed to pull image \"{image}\": {message}", _fieldPath);
        _kubelet.Events.Warning(pod.Pod, "Failed", "Error: ErrImagePull", _fieldPath);
        if (_pullBackoff.Nominal == TimeSpan.Zero)
        {
            _pullBackoff.RecordEnd(TimeSpan.Zero);
        }

        _pullBackoff.RecordEnd(TimeSpan.Zero);
        _notBefore = _kubelet.Time.GetUtcNow() + _pullBackoff.Actual;
        return PullRetryShown;
    }

    private TimeSpan FailStart(PodContext pod, string cause)
    {
        var message = $"failed to create containerd task: failed to start process: {cause}";
        var now = _kubelet.Time.GetUtcNow();
        State = new TerminatedState(_containerId!, 128, "StartError", message, DateTimeOffset.UnixEpoch, now);
        _kubelet.Events.Warning(pod.Pod, "Failed", $"Error: {message}", _fieldPath);
        _backoff.RecordEnd(TimeSpan.Zero);
        _notBefore = now + _backoff.Actual;
        return TimeSpan.Zero;
    }

    private void StartProbes(PodContext pod, ContainerRun run)
    {
        var grace = TimeSpan.FromSeconds(pod.Pod.LongAt("spec", "terminationGracePeriodSeconds") ?? 30);
        _probes = new ContainerProbes(Container, new ProbeAttempt(pod.PodIp, Container, run, _plan!.Paths, _kubelet.Runtime), _kubelet.Time)
        {
            Changed = _wake,
            Failed = (probe, message) => _kubelet.Events.Warning(pod.Pod, "Unhealthy", $"{probe} probe failed: {message}", _fieldPath),
            MustRestart = (probe, own) =>
            {
                if (_stopping)
                {
                    return;
                }

                _kubelet.Events.Normal(pod.Pod, "Killing", $"Container {Name} failed {probe} probe, will be restarted", _fieldPath);
                _ = run.StopAsync(own ?? grace);
            },
        };
        _probes.Start();
    }

    private async Task WakeAfterAsync(Task exited)
    {
        await exited.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        _wake();
    }

    private long? MemoryLimit() =>
        Container.At("resources", "limits", "memory") is { } limit ? (long)Math.Ceiling(Quantity.Parse(limit)) : null;

    private string LogFile(PodContext pod) => _kubelet.Logs.File(pod.Namespace, pod.Name, pod.Uid, Name, RestartCount);
}

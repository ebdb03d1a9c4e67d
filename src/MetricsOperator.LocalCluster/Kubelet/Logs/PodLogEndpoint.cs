using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.LocalCluster.Kubelet.Pods;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Kubelet.Logs;

/// <summary>Answers log requests of the API from the log files of this node.</summary>
internal sealed class PodLogEndpoint(KubeletServices kubelet, Func<string, string, PodWorker?> find)
{
    /// <summary>Writes the log. Throws <see cref="ApiStatusException"/> 400 or 404 in a kubelet's words when there is none.</summary>
    public async Task WriteAsync(PodLogRequest request, Stream output, CancellationToken cancellation)
    {
        var worker = find(request.Namespace, request.Pod);
        if (worker?.RestartCount(request.Container) is not { } restarts)
        {
            throw new ApiStatusException(404, "NotFound", $"container \"{request.Container}\" of pod \"{request.Pod}\" is not on this node");
        }

        var run = request.Previous ? restarts - 1 : restarts;
        var file = run < 0 ? null : kubelet.Logs.File(request.Namespace, request.Pod, worker.Uid, request.Container, run);
        if (file is null || !File.Exists(file))
        {
            throw new ApiStatusException(400, "BadRequest", request.Previous
                ? $"previous terminated container \"{request.Container}\" in pod \"{request.Pod}\" not found"
                : $"container \"{request.Container}\" in pod \"{request.Pod}\" is waiting to start: {worker.WaitingReason(request.Container) ?? "ContainerCreating"}");
        }

        var since = request.SinceTime;
        if (request.SinceSeconds is { } seconds)
        {
            since = kubelet.Time.GetUtcNow() - TimeSpan.FromSeconds(seconds);
        }

        var query = new LogQuery
        {
            Follow = request.Follow && !request.Previous,
            Timestamps = request.Timestamps,
            TailLines = request.TailLines,
            Since = since,
            LimitBytes = request.LimitBytes,
        };
        await new ContainerLogReader(file, kubelet.Time).WriteAsync(
            query, output, () => !worker.IsRunning(request.Container) || worker.RestartCount(request.Container) != restarts, cancellation);
    }
}

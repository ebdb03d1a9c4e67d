using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Operator.Hosting;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Operator.Stacks;

/// <summary>The real world: caches of informers, the API server, and the servers' HTTP endpoints.</summary>
internal sealed class KubeStackWorld(StackInformers informers, KubeRestClient client, HttpClient servers) : IStackWorld
{
    private const string ApplyPatch = "application/apply-patch+yaml";
    private static readonly TimeSpan ServerTimeout = TimeSpan.FromSeconds(1);

    // The overlay as written, and the version it replaced: until the cache has moved on from that version, the cache is behind.
    private readonly ConcurrentDictionary<ObjectKey, (string? Replaced, V1ConfigMap Written)> _overlays = [];

    public MetricsStack? FindStack(ObjectKey key) => informers.FindStack(key);

    public IReadOnlyList<MetricsKeepList> KeepListsIn(string ns) => informers.KeepListsIn(ns);

    public IReadOnlyList<LiveObject> ObjectsOf(ObjectKey stack) => informers.ObjectsOf(stack);

    public IReadOnlyList<V1Pod> PodsOf(ObjectKey stack) => informers.PodsOf(stack);

    public V1ConfigMap? OverlayOf(ObjectKey stack)
    {
        var name = StackNames.Overlay(stack.Name);
        var cached = informers.ObjectsOf(stack).Select(o => o.Object).OfType<V1ConfigMap>().FirstOrDefault(c => c.Metadata.Name == name);
        if (!_overlays.TryGetValue(stack, out var own))
        {
            return cached;
        }

        if (cached?.Metadata.ResourceVersion == own.Replaced)
        {
            return own.Written;
        }

        _overlays.TryRemove(stack, out _);
        return cached;
    }

    public Task<V1Secret?> ReadSecretAsync(string ns, string name, CancellationToken cancellation) => client.FindAsync(ResourceKinds.Secrets, ns, name, cancellation);

    public async Task<ReplicaReport?> AskServerAsync(V1Pod pod, string routePrefix, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(ServerTimeout);
        try
        {
            var url = new Uri($"http://{pod.Status!.PodIP}:{StackNames.WebPort}{routePrefix}/api/v1/status/runtimeinfo");
            var answer = await servers.GetFromJsonAsync(url, RuntimeInfoJson.Default.RuntimeInfoAnswer, timeout.Token).ConfigureAwait(false);
            return answer?.Data is { } data ? new ReplicaReport(data.ConfigHash ?? "", data.ConfigError ?? "", data.Phase ?? "") : null;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or NotSupportedException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // It starts, dies, or is another program; the pod's own state tells which.
            return null;
        }
    }

    public async Task SaveOverlayAsync(V1ConfigMap overlay, CancellationToken cancellation)
    {
        var replaced = overlay.Metadata.ResourceVersion;
        var written = replaced is null
            ? await client.CreateAsync(ResourceKinds.ConfigMaps, overlay, cancellation: cancellation).ConfigureAwait(false)
            : await client.ReplaceAsync(ResourceKinds.ConfigMaps, overlay, cancellation: cancellation).ConfigureAwait(false);
        _overlays[new ObjectKey(overlay.Metadata.Namespace!, overlay.Metadata.Labels![StackNames.StackLabel])] = (replaced, written);
        OperatorMeter.CountWrite("ConfigMap", "save");
    }

    public async Task ApplyAsync(PlannedObject planned, bool force, CancellationToken cancellation)
    {
        await PatchAsync(planned.Kind.ObjectPath(planned.Namespace, planned.Name), planned.Body, force, cancellation).ConfigureAwait(false);
        OperatorMeter.CountWrite(planned.Kind.Kind, "apply");
    }

    public async Task DeleteAsync(LiveObject live, CancellationToken cancellation)
    {
        var options = new DeleteOptions { PreconditionUid = live.Metadata.Uid, PropagationPolicy = "Background" };
        await client.DeleteAsync(live.Kind, live.Metadata.Namespace, live.Metadata.Name!, options, cancellation).ConfigureAwait(false);
        OperatorMeter.CountWrite(live.Kind.Kind, "delete");
    }

    public async Task TouchPodAsync(V1Pod pod, string configHash, CancellationToken cancellation)
    {
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [StackNames.ConfigAnnotation] = configHash } } };
        try
        {
            await client.PatchAsync(ResourceKinds.Pods, pod.Metadata.Namespace, pod.Metadata.Name!, Encoding.UTF8.GetBytes(patch.ToJsonString()), cancellation: cancellation).ConfigureAwait(false);
            OperatorMeter.CountWrite("Pod", "patch");
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            // It went away meanwhile; its successor mounts the new configuration anyway.
        }
    }

    public async Task WriteStatusAsync(ObjectKey stack, MetricsStackStatus status, CancellationToken cancellation)
    {
        var body = new JsonObject
        {
            ["apiVersion"] = ApiKinds.GroupVersion,
            ["kind"] = ApiKinds.Stacks.Kind,
            ["metadata"] = new JsonObject { ["name"] = stack.Name, ["namespace"] = stack.Namespace },
            ["status"] = JsonNode.Parse(ApiJson.Write(status)),
        };
        try
        {
            await PatchAsync(ApiKinds.Stacks.ObjectPath(stack.Namespace, stack.Name, "status"), body, force: true, cancellation).ConfigureAwait(false);
            OperatorMeter.CountWrite(ApiKinds.Stacks.Kind, "status");
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            // The stack was deleted meanwhile; the watch will say so.
        }
    }

    public async Task PostEventAsync(Eventsv1Event value, CancellationToken cancellation)
    {
        try
        {
            await client.CreateAsync(ResourceKinds.Events, value, cancellation: cancellation).ConfigureAwait(false);
            OperatorMeter.CountWrite("Event", "create");
        }
        catch (KubeApiException e) when (e.IsAlreadyExists && value.Series is not null)
        {
            await CountEventAsync(value, cancellation).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists || e.IsNotFound || e.IsForbidden)
        {
            // Told before, or nobody may be told: an Event is a courtesy, the status has the story.
        }
    }

    private async Task CountEventAsync(Eventsv1Event value, CancellationToken cancellation)
    {
        var patch = new JsonObject
        {
            ["note"] = value.Note,
            ["series"] = new JsonObject { ["count"] = value.Series!.Count, ["lastObservedTime"] = KubeTime.FormatMicros(value.Series.LastObservedTime!.Value) },
        };
        try
        {
            await client.PatchAsync(ResourceKinds.Events, value.Metadata.Namespace, value.Metadata.Name!, Encoding.UTF8.GetBytes(patch.ToJsonString()), cancellation: cancellation).ConfigureAwait(false);
            OperatorMeter.CountWrite("Event", "patch");
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsForbidden)
        {
            // It aged away meanwhile, or nobody may be told.
        }
    }

    private Task PatchAsync(string path, JsonObject body, bool force, CancellationToken cancellation) => client.SendRawAsync(
        HttpMethod.Patch,
        $"{path}?fieldManager={StackNames.FieldManager}&force={(force ? "true" : "false")}",
        Encoding.UTF8.GetBytes(body.ToJsonString()),
        ApplyPatch,
        cancellation);
}

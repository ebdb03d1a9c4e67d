using System.Collections.Concurrent;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Operator.Stacks;

/// <summary>
/// Knows which configuration each server runs. A server that has confirmed the wanted one is asked again only now and then; one whose
/// container is another than before is asked at once.
/// </summary>
internal sealed class ReplicaReports(IStackWorld world, TimeProvider time)
{
    private static readonly TimeSpan Trust = TimeSpan.FromMinutes(4);

    private readonly ConcurrentDictionary<string, (string Container, ReplicaReport Report, long At)> _known = new(StringComparer.Ordinal);

    public async Task<IReadOnlyList<ReplicaView>> AskAsync(IReadOnlyList<ReplicaView> replicas, string routePrefix, string wantedHash, CancellationToken cancellation) =>
        await Task.WhenAll(replicas.Select(r => AskAsync(r, routePrefix, wantedHash, cancellation))).ConfigureAwait(false);

    private async Task<ReplicaView> AskAsync(ReplicaView replica, string routePrefix, string wantedHash, CancellationToken cancellation)
    {
        if (replica.Pod is not { Metadata.Uid: { } uid, Status.PodIP.Length: > 0 } pod || replica.Server is not { State.Running: not null, ContainerID: { } container })
        {
            return replica;
        }

        if (_known.TryGetValue(uid, out var known) && known.Container == container && known.Report.Hash == wantedHash && time.GetElapsedTime(known.At) < Trust)
        {
            return replica with { Report = known.Report };
        }

        var report = await world.AskServerAsync(pod, routePrefix, cancellation).ConfigureAwait(false);
        if (report is null)
        {
            _known.TryRemove(uid, out _);
            return replica;
        }

        if (_known.Count > 10_000)
        {
            // Pods come and go; forgetting costs one question each.
            _known.Clear();
        }

        _known[uid] = (container, report, time.GetTimestamp());
        return replica with { Report = report };
    }
}

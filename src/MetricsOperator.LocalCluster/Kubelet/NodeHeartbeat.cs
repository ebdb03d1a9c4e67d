using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Pods;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Kubelet;

/// <summary>Keeps the Node object and its Lease alive: the Lease every ten seconds, the status every five minutes.</summary>
internal sealed class NodeHeartbeat(ClusterApi api, NodeFacts node, string dataFolder, TimeProvider time)
{
    private const string LeaseNamespace = "kube-node-lease";
    private const int LeaseSeconds = 40;

    /// <summary>Time between Lease renewals.</summary>
    public static readonly TimeSpan LeasePeriod = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan StatusPeriod = TimeSpan.FromMinutes(5);

    private DateTimeOffset _statusWritten = DateTimeOffset.MinValue;

    /// <summary>Makes the Node when it is not there and writes what is due.</summary>
    public void Beat()
    {
        var now = time.GetUtcNow();
        if (now - _statusWritten >= StatusPeriod)
        {
            var stored = api.Get("nodes", null, node.Name) ?? api.Create("nodes", null, NodeDocument.New(), "kubelet");
            stored["status"] = NodeDocument.Status(node, dataFolder, stored.ObjectAt("status"), now);
            api.UpdateStatus("nodes", stored, "kubelet");
            _statusWritten = now;
        }

        Renew(now);
    }

    private void Renew(DateTimeOffset now)
    {
        if (api.Get("namespaces", null, LeaseNamespace) is null)
        {
            api.Create(
                "namespaces",
                null,
                new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Namespace", ["metadata"] = new JsonObject { ["name"] = LeaseNamespace } },
                "kubelet");
        }

        var lease = api.Get("coordination.k8s.io/leases", LeaseNamespace, node.Name);
        if (lease is not null)
        {
            lease["spec"]!["renewTime"] = now.ToMicroseconds();
            api.Update("coordination.k8s.io/leases", lease, "kubelet");
            return;
        }

        api.Create(
            "coordination.k8s.io/leases",
            LeaseNamespace,
            new JsonObject
            {
                ["apiVersion"] = "coordination.k8s.io/v1",
                ["kind"] = "Lease",
                ["metadata"] = new JsonObject { ["name"] = node.Name, ["namespace"] = LeaseNamespace },
                ["spec"] = new JsonObject
                {
                    ["holderIdentity"] = node.Name,
                    ["leaseDurationSeconds"] = LeaseSeconds,
                    ["renewTime"] = now.ToMicroseconds(),
                },
            },
            "kubelet");
    }
}

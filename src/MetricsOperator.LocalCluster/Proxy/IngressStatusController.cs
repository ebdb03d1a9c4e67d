using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Controllers;
using MetricsOperator.LocalCluster.Kubelet;

namespace MetricsOperator.LocalCluster.Proxy;

/// <summary>Writes into every Ingress where it is served.</summary>
internal sealed class IngressStatusController(ControllerContext context, Uri url) : ObjectController("ingress-controller", context)
{
    private const string Resource = "networking.k8s.io/ingresses";

    protected override void Subscribe() => Watch(Resource);

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        if (Api.Get(Resource, key.Namespace, key.Name) is { } ingress && !ingress.IsBeingDeleted())
        {
            WriteStatus(Resource, ingress, new JsonObject
            {
                ["loadBalancer"] = new JsonObject
                {
                    ["ingress"] = new JsonArray(new JsonObject
                    {
                        ["ip"] = url.Host,
                        ["ports"] = new JsonArray(new JsonObject { ["port"] = url.Port, ["protocol"] = "TCP" }),
                    }),
                },
            });
        }

        return null;
    }
}

using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Empties namespaces that are being deleted and then lets them go; custom resources of definitions being deleted likewise.</summary>
internal sealed class NamespaceController(ControllerContext context) : ObjectController("namespace-controller", context)
{
    private static readonly TimeSpan Recheck = TimeSpan.FromMilliseconds(250);

    protected override void Subscribe() => Watch("namespaces");

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        if (Api.Get("namespaces", null, key.Name) is not { } ns || !ns.IsBeingDeleted())
        {
            return null;
        }

        var left = 0;
        foreach (var resource in Api.Resources.Where(Api.IsNamespaced))
        {
            foreach (var obj in Api.List(resource, key.Name))
            {
                left++;
                if (!obj.IsBeingDeleted())
                {
                    DeleteIfThere(resource, obj);
                }
            }
        }

        if (left > 0)
        {
            return Recheck;
        }

        ns["spec"] = new JsonObject { ["finalizers"] = new JsonArray() };
        try
        {
            Api.Update("namespaces", ns, Name);
        }
        catch (ApiStatusException e) when (e.IsNotFound)
        {
            // Gone.
        }

        return null;
    }
}

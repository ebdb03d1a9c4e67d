using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Writes;

namespace MetricsOperator.LocalCluster.Bootstrap;

/// <summary>Gives each new namespace its default service account and the cluster's certificate authority.</summary>
internal sealed class NamespaceFurnisher(ObjectWriter writer, ResourceCatalog catalog, string caCertificatePem)
{
    private static readonly WriteOptions Options = new() { Manager = "kube-controller-manager" };

    public void Furnish(JsonObject ns)
    {
        var name = ns.NameOf();
        writer.Create(catalog.Storage("serviceaccounts")!, name, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "default" } }, Options);
        writer.Create(
            catalog.Storage("configmaps")!,
            name,
            new JsonObject { ["metadata"] = new JsonObject { ["name"] = "kube-root-ca.crt" }, ["data"] = new JsonObject { ["ca.crt"] = caCertificatePem } },
            Options);
    }
}

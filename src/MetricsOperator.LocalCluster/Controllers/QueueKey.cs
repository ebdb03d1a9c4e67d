using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Names the object to look at; never what happened to it.</summary>
/// <param name="Namespace">Empty for cluster-scoped objects.</param>
/// <param name="Name">Name of the object.</param>
internal readonly record struct QueueKey(string Namespace, string Name)
{
    public static QueueKey Of(JsonObject obj) => new(obj.NamespaceOf(), obj.NameOf());

    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";
}

using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Deletes the objects of a custom resource definition that is being deleted, then lets the definition go.</summary>
internal sealed class DefinitionController(ControllerContext context) : ObjectController("crd-finalizer", context)
{
    private const string Resource = "apiextensions.k8s.io/customresourcedefinitions";
    private const string Finalizer = "customresourcecleanup.apiextensions.k8s.io";
    private static readonly TimeSpan Recheck = TimeSpan.FromMilliseconds(250);

    protected override void Subscribe() => Watch(Resource);

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        if (Api.Get(Resource, null, key.Name) is not { } definition
            || !definition.IsBeingDeleted()
            || !definition.StringsAt("metadata", "finalizers").Contains(Finalizer))
        {
            return null;
        }

        var resource = $"{definition.StringAt("spec", "group")}/{definition.StringAt("spec", "names", "plural")}";
        var left = Api.List(resource);
        foreach (var obj in left.Where(obj => !obj.IsBeingDeleted()))
        {
            DeleteIfThere(resource, obj);
        }

        if (left.Count > 0)
        {
            return Recheck;
        }

        definition.Metadata()["finalizers"] = JsonAccess.StringArray(definition.StringsAt("metadata", "finalizers").Where(finalizer => finalizer != Finalizer));
        try
        {
            Api.Update(Resource, definition, Name);
        }
        catch (ApiStatusException e) when (e.IsNotFound)
        {
            // Gone.
        }

        return null;
    }
}

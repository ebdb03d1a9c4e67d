using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Planning.Scraping;

namespace MetricsOperator.Planning.Stacks;

/// <summary>What a stack shall consist of.</summary>
/// <param name="Objects">In the order in which they are applied.</param>
/// <param name="Scrape">What is scraped, steps included.</param>
/// <param name="ConfigText">The server's configuration file.</param>
/// <param name="ConfigHash">What every server shall report.</param>
public sealed record StackPlan(IReadOnlyList<PlannedObject> Objects, EffectiveScrape Scrape, string ConfigText, string ConfigHash);

/// <summary>Pure: a snapshot in, the wanted objects out. Each kind of object has its own builder.</summary>
public static class StackPlanner
{
    public static StackPlan Plan(StackSnapshot stack)
    {
        var scrape = EffectiveScrape.Of(stack.Spec, stack.Ledger.ActiveSteps, stack.KeepLists);
        var configText = ServerConfigRenderer.Render(stack.Spec, scrape);
        var objects = new List<PlannedObject>
        {
            // First what servers read, then the servers: a server that starts must find the configuration in force.
            ConfigObjects.Config(stack, configText),
        };
        AddIfPlanned(objects, ConfigObjects.Credentials(stack));
        objects.AddRange(DiscoveryAccess.Build(stack));
        for (var index = 0; index < stack.Spec.Replicas; index++)
        {
            if (stack.Spec.Storage.Volume == StorageSpec.PersistentVolumeClaim)
            {
                objects.Add(ServerClaim.Build(stack, index));
            }

            objects.Add(ServerServices.ForReplica(stack, index));
            objects.Add(ServerDeployment.Build(stack, index));
        }

        objects.Add(ServerServices.ForStack(stack));
        AddIfPlanned(objects, StackIngress.Build(stack));
        AddIfPlanned(objects, DisruptionBudget.Build(stack));
        return new StackPlan(objects, scrape, configText, ServerConfigRenderer.Hash(configText));
    }

    private static void AddIfPlanned(List<PlannedObject> objects, PlannedObject? planned)
    {
        if (planned is not null)
        {
            objects.Add(planned);
        }
    }
}

using MetricsOperator.LocalCluster.Hosting;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>The controllers of the local cluster; each is a loop of its own that looks at the present state.</summary>
public sealed class ControllerSet(ClusterServices services) : IClusterPart
{
    private readonly List<ObjectController> _controllers = [];

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken stop)
    {
        var context = new ControllerContext(services.Api, services.Time, services.Logs);
        var volumes = Path.Join(Path.GetFullPath(services.Options.DataDirectory), "volumes");
        _controllers.AddRange(
        [
            new ClaimController(context, volumes),
            new DeploymentController(context),
            new ReplicaSetController(context),
            new StatefulSetController(context),
            new EndpointsController(context),
            new DisruptionBudgetController(context),
            new GarbageCollector(context),
            new NamespaceController(context),
            new DefinitionController(context),
        ]);
        foreach (var controller in _controllers)
        {
            controller.Start();
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var controller in _controllers)
        {
            await controller.DisposeAsync();
        }
    }
}

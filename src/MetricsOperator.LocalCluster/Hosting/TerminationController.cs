using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Rules;
using MetricsOperator.LocalCluster.Store;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>Finishes the deletion of namespaces and custom resource definitions: deletes what they hold, and lets them go when it is gone.</summary>
internal sealed class TerminationController(ClusterServices services) : IClusterPart
{
    private const string Namespaces = "namespaces";
    private const string Definitions = "apiextensions.k8s.io/customresourcedefinitions";
    private const string Manager = "namespace-controller";
    private static readonly TimeSpan CheckEvery = TimeSpan.FromMilliseconds(200);
    private readonly ILogger _log = services.Logs.CreateLogger<TerminationController>();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly List<IDisposable> _watches = [];
    private Task _loop = Task.CompletedTask;
    private CancellationTokenSource? _stop;

    public Task StartAsync(CancellationToken stop)
    {
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
        foreach (var resource in new[] { Namespaces, Definitions })
        {
            _watches.Add(services.Api.Watch(resource, (_, obj) =>
            {
                if (obj.At("metadata", "deletionTimestamp") is not null && _wake.CurrentCount == 0)
                {
                    _wake.Release();
                }
            }));
        }

        _loop = Task.Run(() => RunAsync(_stop.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var watch in _watches)
        {
            watch.Dispose();
        }

        if (_stop is not null)
        {
            await _stop.CancelAsync();
            await _loop;
            _stop.Dispose();
        }

        _wake.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        try
        {
            var unfinished = true;
            while (true)
            {
                if (unfinished)
                {
                    await Task.Delay(CheckEvery, services.Time, stop);
                }
                else
                {
                    await _wake.WaitAsync(stop);
                }

                unfinished = RunOnce();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            _log.LogDebug("Stopped");
        }
    }

    /// <summary>One pass; true when something is still waiting for its content to go.</summary>
    private bool RunOnce()
    {
        var unfinished = false;
        try
        {
            foreach (var ns in services.Api.List(Namespaces).Where(IsDeleting))
            {
                unfinished |= !FinishNamespace(ns);
            }

            foreach (var definition in services.Api.List(Definitions).Where(d => IsDeleting(d) && d.StringsAt("metadata", "finalizers").Contains(CustomResourceDefinitionRules.CleanupFinalizer)))
            {
                unfinished |= !FinishDefinition(definition);
            }
        }
        catch (ApiStatusException e)
        {
            // Somebody wrote meanwhile; the next pass sees the newer state.
            _log.LogDebug(e, "A pass is repeated");
            return true;
        }

        return unfinished;
    }

    private bool FinishNamespace(JsonObject ns)
    {
        var left = 0;
        foreach (var resource in services.Api.Resources.Where(services.Api.IsNamespaced))
        {
            left += DeleteAll(resource, ns.NameOf());
        }

        if (left > 0)
        {
            return false;
        }

        services.Api.FinalizeNamespace(ns.NameOf(), Manager);
        return true;
    }

    private bool FinishDefinition(JsonObject definition)
    {
        if (DeleteAll($"{definition.StringAt("spec", "group")}/{definition.StringAt("spec", "names", "plural")}", null) > 0)
        {
            return false;
        }

        definition.Metadata()["finalizers"] = JsonAccess.StringArray(definition.StringsAt("metadata", "finalizers").Where(f => f != CustomResourceDefinitionRules.CleanupFinalizer));
        services.Api.Update(Definitions, definition, Manager);
        return true;
    }

    /// <summary>Deletes what is there and not yet deleted; returns how much was there.</summary>
    private int DeleteAll(string resource, string? ns)
    {
        var objects = services.Api.List(resource, ns);
        foreach (var obj in objects.Where(o => !IsDeleting(o)))
        {
            services.Api.Delete(resource, obj.NamespaceOf().Length > 0 ? obj.NamespaceOf() : null, obj.NameOf(), new DeleteOptions { PropagationPolicy = "Background" });
        }

        return objects.Count;
    }

    private static bool IsDeleting(JsonObject obj) => obj.At("metadata", "deletionTimestamp") is not null;
}

using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Controllers;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Operator.Hosting;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Stacks;
using MetricsOperator.Planning.Tuning;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Operator.Stacks;

/// <summary>
/// Brings one stack to what its spec asks for: gather, judge deaths, plan, apply, report. The order of writes is ledger, configuration
/// and workload, pods, status, events. Everything follows from what is stored, so a crash between any two writes is repaired by the next run.
/// </summary>
/// <param name="world">The cluster.</param>
/// <param name="settings">What the operator was started with.</param>
/// <param name="resyncPeriod">After this a stack is looked at again though nothing told of a change; what is not watched (Secrets that users name) is noticed then.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where the story of every decision goes.</param>
internal sealed class StackReconciler(IStackWorld world, PlanningSettings settings, TimeSpan resyncPeriod, TimeProvider time, ILogger<StackReconciler> logger) : IReconciler<ObjectKey>
{
    private static readonly TimeSpan WhileUnapplied = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WhileSecretMissing = TimeSpan.FromSeconds(15);

    private readonly StackGatherer _gatherer = new(world);
    private readonly PlanApplier _applier = new(world, logger);
    private readonly ReplicaReports _reports = new(world, time);
    private readonly StackReporter _reporter = new(world, logger);

    public async ValueTask<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellation)
    {
        var stack = world.FindStack(key);
        if (stack is null || stack.Metadata.DeletionTimestamp is not null)
        {
            await _applier.RemoveForeignAsync(key, cancellation).ConfigureAwait(false);
            OperatorMeter.Forget(key);
            return ReconcileResult.Done;
        }

        using var scope = logger.BeginScope(new Dictionary<string, object> { ["Stack"] = key.ToString(), ["Generation"] = stack.Metadata.Generation ?? 0 });
        var input = await _gatherer.GatherAsync(key, stack, cancellation).ConfigureAwait(false);
        return stack.Spec.Paused
            ? await ReportPausedAsync(input, cancellation).ConfigureAwait(false)
            : await ReconcileAsync(input, cancellation).ConfigureAwait(false);
    }

    private async Task<ReconcileResult> ReconcileAsync(StackInput input, CancellationToken cancellation)
    {
        if (input.Good is not { } good)
        {
            // There was never a good spec, or it cannot be rendered any more: what runs stays as it is.
            await _reporter.ReportAsync(input, Observe(input, null, input.Ledger, null, [], new ApplyOutcome()), [], cancellation).ConfigureAwait(false);
            return input.WaitsForSecret ? ReconcileResult.After(WhileSecretMissing) : ReconcileResult.Terminal($"the spec is invalid: {input.Errors[0]}");
        }

        if (input.OverlayProblem is { } problem)
        {
            await _reporter.ReportAsync(input, Observe(input, null, input.Ledger, null, [], new ApplyOutcome(problem)), [], cancellation).ConfigureAwait(false);
            return ReconcileResult.Terminal(problem);
        }

        TuningOutcome tuning;
        try
        {
            tuning = await TuneAsync(input, good, cancellation).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsConflict)
        {
            return ReconcileResult.Failed($"the overlay was written meanwhile: {e.Message}");
        }

        var snapshot = new StackSnapshot
        {
            Stack = good,
            Settings = settings,
            KeepLists = input.KeepLists,
            Ledger = tuning.Ledger,
            Claims = input.Claims,
            Credentials = input.Credentials,
        };
        var plan = StackPlanner.Plan(snapshot);
        var before = ReplicaView.Of(input.Key.Name, good.Spec.Replicas, input.Pods, input.Deployments, _ => null);
        var applied = await _applier.ApplyAsync(input, plan, before, cancellation).ConfigureAwait(false);
        await TouchPodsAsync(before, plan.ConfigHash, cancellation).ConfigureAwait(false);
        var replicas = await _reports.AskAsync(before, snapshot.RoutePrefix, plan.ConfigHash, cancellation).ConfigureAwait(false);

        var seen = Observe(input, plan, tuning.Ledger, tuning.RelaxAt, replicas, applied) with { ServerImage = snapshot.ServerImage };
        await _reporter.ReportAsync(input, seen, tuning.News, cancellation).ConfigureAwait(false);
        OperatorMeter.SetLevel(input.Key, tuning.Ledger.Steps.Count);
        return Next(seen, tuning.RelaxAt, input.WaitsForSecret);
    }

    /// <summary>Counts deaths and decides; the decision is stored before anything follows from it.</summary>
    private async Task<TuningOutcome> TuneAsync(StackInput input, MetricsStack good, CancellationToken cancellation)
    {
        var deaths = PodDeaths.Of(input.Pods, StackNames.ServerContainer);
        var lives = input.Pods.Where(p => p.Metadata.Uid is not null)
            .Select(p => (p.Metadata.Uid, Status: p.Status?.ContainerStatuses?.FirstOrDefault(s => s.Name == StackNames.ServerContainer)))
            .Where(p => p.Status is not null)
            .ToDictionary(p => p.Uid!, p => PodDeaths.EndedLives(p.Status!), StringComparer.Ordinal);
        var outcome = TuningLoop.Advance(new TuningInput(input.Ledger, good.Spec, input.KeepLists, deaths, lives, time.GetUtcNow()));
        if (ReferenceEquals(outcome.Ledger, input.Ledger))
        {
            return outcome;
        }

        await world.SaveOverlayAsync(OverlayObject.Build(input.Stack, input.Overlay, outcome.Ledger), cancellation).ConfigureAwait(false);
        foreach (var item in outcome.News)
        {
            logger.Log(item.IsWarning ? LogLevel.Warning : LogLevel.Information, "{Reason}: {Story}", item.Reason, item.Text);
            OperatorMeter.Count(item);
        }

        return outcome;
    }

    private async Task TouchPodsAsync(IReadOnlyList<ReplicaView> replicas, string configHash, CancellationToken cancellation)
    {
        foreach (var pod in replicas.Select(r => r.Pod).OfType<V1Pod>())
        {
            if (pod.Metadata.Annotations?.GetValueOrDefault(StackNames.ConfigAnnotation) != configHash)
            {
                await world.TouchPodAsync(pod, configHash, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task<ReconcileResult> ReportPausedAsync(StackInput input, CancellationToken cancellation)
    {
        var replicas = ReplicaView.Of(input.Key.Name, input.Stack.Spec.Replicas, input.Pods, input.Deployments, _ => null);
        var plan = input.Good is null ? null : StackPlanner.Plan(new StackSnapshot
        {
            Stack = input.Good,
            Settings = settings,
            KeepLists = input.KeepLists,
            Ledger = input.Ledger,
            Claims = input.Claims,
        });
        if (plan is not null)
        {
            replicas = await _reports.AskAsync(replicas, input.Good!.Spec.Ingress?.Path.TrimEnd('/') ?? "", plan.ConfigHash, cancellation).ConfigureAwait(false);
        }

        await _reporter.ReportAsync(input, Observe(input, plan, input.Ledger, null, replicas, new ApplyOutcome()), [], cancellation).ConfigureAwait(false);
        return ReconcileResult.Done;
    }

    private StackObservation Observe(StackInput input, StackPlan? plan, TuningLedger ledger, DateTimeOffset? relaxAt, IReadOnlyList<ReplicaView> replicas, ApplyOutcome applied) => new()
    {
        Stack = input.Stack,
        Now = time.GetUtcNow(),
        Errors = input.Errors,
        Plan = plan,
        PlannedGeneration = input.Good?.Metadata.Generation,
        Ledger = ledger,
        RelaxAt = relaxAt,
        Replicas = replicas,
        Claims = input.Claims,
        Blocks = PodDeaths.BlocksOf(replicas.Select(r => r.Pod).OfType<V1Pod>()),
        ApplyProblem = applied.Problem,
        WaitingUpdates = applied.WaitingUpdates,
    };

    private ReconcileResult Next(StackObservation seen, DateTimeOffset? relaxAt, bool waitsForSecret)
    {
        if (seen.ApplyProblem is { } problem)
        {
            return ReconcileResult.Failed(problem);
        }

        // A server that runs and has not confirmed yet is asked again soon; one that does not run is announced by the watch on pods.
        var unconfirmed = seen.Replicas.Any(r => r.Server?.State?.Running is not null && r.Report?.Hash != seen.Plan!.ConfigHash);
        var delay = unconfirmed ? WhileUnapplied : waitsForSecret ? WhileSecretMissing : resyncPeriod;
        var untilRelax = relaxAt - time.GetUtcNow();
        return ReconcileResult.After(untilRelax is { } wait && wait < delay ? (wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1)) : delay);
    }
}

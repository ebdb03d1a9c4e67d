using System.Collections.Concurrent;
using System.Globalization;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Operator.Hosting;
using MetricsOperator.Planning.Stacks;
using MetricsOperator.Planning.Tuning;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Operator.Stacks;

/// <summary>Writes status when it changed, and tells the story in Events, one per incident and one per invalid generation.</summary>
internal sealed class StackReporter(IStackWorld world, ILogger logger)
{
    private static readonly TimeSpan EventWindow = TimeSpan.FromMinutes(10);

    // Names of Events that exist. Their names follow from what they tell, so that a restart cannot tell it twice.
    private readonly ConcurrentDictionary<string, byte> _told = new(StringComparer.Ordinal);

    public async Task ReportAsync(StackInput input, StackObservation seen, IReadOnlyList<TuningNews> news, CancellationToken cancellation)
    {
        var status = StackStatusBuilder.Build(seen);
        if (input.Stack.Status is not { } before || ApiJson.Write(before) != ApiJson.Write(status))
        {
            await world.WriteStatusAsync(input.Key, status, cancellation).ConfigureAwait(false);
            var ready = status.Conditions!.First(c => c.Type == "Ready");
            logger.LogInformation("Status: Ready={Ready} ({Reason}): {Message}", ready.Status, ready.Reason, ready.Message);
        }

        foreach (var incident in seen.Ledger.Incidents.Where(i => seen.Now - i.At < EventWindow).Reverse())
        {
            var text = $"{incident.Container ?? "server"} of {incident.Pod ?? "a pod"} died: {incident.Explanation}. {incident.Response}";
            await TellAsync(input, incident.Id, "Warning", incident.Class, incident.Response.StartsWith("nothing", StringComparison.Ordinal) ? "Observe" : "Tighten", text, seen.Now, cancellation).ConfigureAwait(false);
        }

        foreach (var item in news.Where(n => !n.IsWarning))
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"relaxed-{seen.Ledger.ChangedAt?.ToUnixTimeSeconds()}-{seen.Ledger.Steps.Count}");
            await TellAsync(input, id, "Normal", item.Reason, "Relax", item.Text, seen.Now, cancellation).ConfigureAwait(false);
        }

        if (seen.Errors.Count > 0)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"invalid-{seen.Generation}");
            if (await TellAsync(input, id, "Warning", "InvalidSpec", "Validate", string.Join("; ", seen.Errors.Take(5)), seen.Now, cancellation).ConfigureAwait(false))
            {
                OperatorMeter.ConfigRejected.Add(1);
                logger.LogWarning("Spec is invalid: {Errors}", string.Join("; ", seen.Errors));
            }
        }
    }

    private async Task<bool> TellAsync(StackInput input, string id, string type, string reason, string action, string note, DateTimeOffset now, CancellationToken cancellation)
    {
        var name = $"{input.Key.Name}.{id}";
        if (!_told.TryAdd($"{input.Stack.Metadata.Uid}/{name}", 0))
        {
            return false;
        }

        await world.PostEventAsync(
            new Eventsv1Event
            {
                Metadata = new V1ObjectMeta { Name = name, Namespace = input.Key.Namespace },
                EventTime = now,
                Regarding = new V1ObjectReference
                {
                    ApiVersion = input.Stack.ApiVersion,
                    Kind = input.Stack.Kind,
                    Namespace = input.Key.Namespace,
                    Name = input.Key.Name,
                    Uid = input.Stack.Metadata.Uid,
                    ResourceVersion = input.Stack.Metadata.ResourceVersion,
                },
                Type = type,
                Reason = reason,
                Action = action,
                Note = note.Length <= 1024 ? note : note[..1021] + "...",
                ReportingController = ApiKinds.Group + "/operator",
                ReportingInstance = StackNames.FieldManager,
            },
            cancellation).ConfigureAwait(false);
        return true;
    }
}

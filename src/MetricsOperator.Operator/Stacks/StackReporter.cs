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

    private const int MostRemembered = 10_000;

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
            await TellAsync(input, IncidentEvents.Of(incident), seen.Now, cancellation).ConfigureAwait(false);
        }

        foreach (var (index, item) in news.Where(n => !n.IsWarning).Index())
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"relaxed-{seen.Ledger.ChangedAt?.ToUnixTimeSeconds()}-{seen.Ledger.Steps.Count}-{index}");
            await TellAsync(input, new StackEvent(id, id, "Normal", item.Reason, "Relax", item.Text), seen.Now, cancellation).ConfigureAwait(false);
        }

        if (seen.Errors.Count > 0)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"invalid-{seen.Generation}");
            var story = new StackEvent(id, id, "Warning", "InvalidSpec", "Validate", string.Join("; ", seen.Errors.Take(5)));
            if (await TellAsync(input, story, seen.Now, cancellation).ConfigureAwait(false))
            {
                OperatorMeter.ConfigRejected.Add(1);
                logger.LogWarning("Spec is invalid: {Errors}", string.Join("; ", seen.Errors));
            }
        }
    }

    private async Task<bool> TellAsync(StackInput input, StackEvent story, DateTimeOffset now, CancellationToken cancellation)
    {
        var key = $"{input.Stack.Metadata.Uid}/{story.Once}";
        if (_told.ContainsKey(key))
        {
            return false;
        }

        await world.PostEventAsync(
            new Eventsv1Event
            {
                Metadata = new V1ObjectMeta { Name = $"{input.Key.Name}.{story.Name}", Namespace = input.Key.Namespace },
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
                Type = story.Type,
                Reason = story.Reason,
                Action = story.Action,
                Note = story.Note.Length <= 1024 ? story.Note : story.Note[..1021] + "...",
                Series = story.Count > 1 ? new Eventsv1EventSeries { Count = story.Count, LastObservedTime = now } : null,
                ReportingController = ApiKinds.Group + "/operator",
                ReportingInstance = StackNames.FieldManager,
            },
            cancellation).ConfigureAwait(false);

        // Only now: what could not be posted is told by the next attempt.
        if (_told.Count >= MostRemembered)
        {
            // Forgetting costs one refused request per Event that is told again.
            _told.Clear();
        }

        _told.TryAdd(key, 0);
        return true;
    }
}

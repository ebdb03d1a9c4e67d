using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Operator.Stacks;

/// <summary>An Event to be.</summary>
/// <param name="Once">What is told; the same thing is told once.</param>
/// <param name="Name">Name of the Event below the stack's name. Things told under one name are one Event with a count.</param>
/// <param name="Type">Normal or Warning.</param>
/// <param name="Reason">One word.</param>
/// <param name="Action">What was done, as one word.</param>
/// <param name="Note">The story.</param>
/// <param name="Count">How often it happened by now.</param>
internal sealed record StackEvent(string Once, string Name, string Type, string Reason, string Action, string Note, int Count = 1);

/// <summary>Events of incidents. A death of memory has a story of its own; others of one cause and pod are one Event that counts up.</summary>
internal static class IncidentEvents
{
    public static StackEvent Of(Incident incident)
    {
        var subject = incident.Pod is null ? "a server" : $"{incident.Container ?? "server"} of {incident.Pod}";
        var response = incident.Response.Length == 0 ? "" : char.ToUpperInvariant(incident.Response[0]) + incident.Response[1..] + ".";
        var note = incident.Class == nameof(DeathClass.Unobserved) ? $"{subject}: {incident.Explanation}. {response}" : $"{subject} died: {incident.Explanation}. {response}";
        return incident.Class == nameof(DeathClass.OutOfMemory)
            ? new StackEvent(incident.Id, incident.Id, "Warning", incident.Class, "Tighten", note)
            : new StackEvent(incident.Id, $"{incident.Pod ?? "server"}-{incident.Class.ToLowerInvariant()}", "Warning", incident.Class, "Observe", note, incident.Life ?? 1);
    }
}

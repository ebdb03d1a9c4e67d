using System.Globalization;
using System.Text.Json.Nodes;

namespace MetricsOperator.Cli.Up;

/// <summary>What a person wants to know about a stack at a glance, read from its status.</summary>
internal sealed record StackView(string Namespace, string Name, string Ready, string Reason, string Message, int Level, string Interval, string LastIncident, string? IngressPath, string? IngressHost)
{
    /// <summary>Reads a MetricsStack object.</summary>
    public static StackView Of(JsonNode stack)
    {
        var ready = stack["status"]?["conditions"]?.AsArray().FirstOrDefault(c => c?["type"]?.GetValue<string>() == "Ready");
        var overload = stack["status"]?["overload"];
        var incident = overload?["lastIncident"];
        return new StackView(
            stack["metadata"]!["namespace"]!.GetValue<string>(),
            stack["metadata"]!["name"]!.GetValue<string>(),
            ready?["status"]?.GetValue<string>() ?? "Unknown",
            ready?["reason"]?.GetValue<string>() ?? "Pending",
            ready?["message"]?.GetValue<string>() ?? "the operator has not seen it yet",
            overload?["level"]?.GetValue<int>() ?? 0,
            stack["status"]?["effective"]?["interval"]?.GetValue<string>() ?? "-",
            incident is null ? "-" : $"{incident["class"]} {incident["reason"]} {incident["exitCode"]}".TrimEnd(),
            stack["spec"]?["ingress"]?["path"]?.GetValue<string>(),
            stack["spec"]?["ingress"]?["host"]?.GetValue<string>());
    }

    /// <summary>True when the newest generation is applied and serving.</summary>
    public bool IsReady => Ready == "True";

    /// <summary>One line of the status stream.</summary>
    public string Line() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Namespace}/{Name}  Ready={Ready} ({Reason})  level={Level}  interval={Interval}  last incident={LastIncident}");
}

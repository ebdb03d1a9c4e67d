using System.Text.Json.Nodes;

namespace MetricsOperator.Cli.Up;

/// <summary>Turns the install manifest for a cluster into one for the local world, where every pod has a loopback address of its own.</summary>
internal static class LocalOperator
{
    /// <summary>Binds the operator, and the servers it will render, to their pod's address instead of all addresses.</summary>
    public static IEnumerable<JsonObject> Adapt(IReadOnlyList<JsonObject> manifests)
    {
        foreach (var manifest in manifests)
        {
            if (manifest["kind"]!.GetValue<string>() == "Deployment")
            {
                var container = manifest["spec"]!["template"]!["spec"]!["containers"]![0]!;
                var args = container["args"]?.AsArray() ?? [];
                container["args"] = new JsonArray([.. args.Select(a => a!.GetValue<string>()).Where(a => !IsReplaced(a)).Select(a => (JsonNode?)JsonValue.Create(a)),
                    JsonValue.Create("--server-listen=pod-ip"),
                    JsonValue.Create("--metrics-bind-address=$(POD_IP):8080"),
                    JsonValue.Create("--health-probe-bind-address=$(POD_IP):8081")]);
            }

            yield return manifest;
        }
    }

    private static bool IsReplaced(string argument) =>
        argument.StartsWith("--server-listen", StringComparison.Ordinal)
        || argument.StartsWith("--metrics-bind-address", StringComparison.Ordinal)
        || argument.StartsWith("--health-probe-bind-address", StringComparison.Ordinal);
}

using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Discovery;

/// <summary>The Kubernetes version whose conventions this API follows.</summary>
internal static class ServerVersion
{
    public const string GitVersion = "v1.32.0+metricsoperator-local";

    public static JsonObject ToJson() => new()
    {
        ["major"] = "1",
        ["minor"] = "32",
        ["gitVersion"] = GitVersion,
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "2026-01-01T00:00:00Z",
        ["goVersion"] = "none",
        ["compiler"] = "dotnet",
        ["platform"] = $"linux/{(RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64")}",
    };
}

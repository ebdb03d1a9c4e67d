using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Worlds;

/// <summary>The quickstart, brought up once for the tests that look at it.</summary>
public sealed class QuickstartWorld : IAsyncLifetime
{
    internal LocalWorld World { get; } = new();

    /// <summary>What <c>metricsctl up</c> printed.</summary>
    internal string Printed { get; private set; } = string.Empty;

    public async ValueTask InitializeAsync()
    {
        Peer.Require("prometheus-node-exporter", "prometheus-node-exporter");
        Printed = await World.UpAsync("--audit-log", World.AuditLog);
    }

    public ValueTask DisposeAsync() => World.DisposeAsync();
}

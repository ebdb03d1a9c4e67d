using System.Text.Json;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.Server.Memory;
using MetricsOperator.Server.Tests.Hosting;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Memory;

/// <summary>A whole server with a budget that its head fills.</summary>
public sealed class MemoryGuardTests
{
    private static readonly long Now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    [Fact]
    public async Task Budget_and_where_its_bytes_are_is_told()
    {
        await using var server = await RunningServer.StartAsync(moreFlags: "--memory.budget=4Gi");
        await server.WriteAsync((LabelSet.Of(("__name__", "m"), ("job", "j"), ("instance", "i")), Now, 1));
        var memory = await MemoryAsync(server);
        Assert.Equal(4L << 30, memory.GetProperty("budgetBytes").GetInt64());
        Assert.Equal("enforce", memory.GetProperty("guard").GetString());
        Assert.Equal("calm", memory.GetProperty("level").GetString());
        Assert.Equal(["total", "runtime", "heap", "head", "buffers", "reserve"], memory.GetProperty("parts").EnumerateArray().Select(p => p.GetProperty("part").GetString()));
        var head = memory.GetProperty("head");
        Assert.Equal(head.GetProperty("usedBytes").GetInt64(), head.GetProperty("uses").EnumerateObject().Sum(u => u.Value.GetInt64()));
        var target = Assert.Single(head.GetProperty("targets").EnumerateArray());
        Assert.Equal(("j", "i", 1L), (target.GetProperty("job").GetString(), target.GetProperty("instance").GetString(), target.GetProperty("series").GetInt64()));
        Assert.InRange(target.GetProperty("bytes").GetInt64(), 100, 1000);
        var (_, metrics) = await server.TextAsync(HttpMethod.Get, "/metrics");
        Assert.Contains("metricsoperator_memory_budget_bytes{part=\"head\"}", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flood_of_series_is_refused_and_told_while_existing_ones_go_on()
    {
        // The test's process is larger than this budget, so the guard is at its highest level from the start.
        await using var server = await RunningServer.StartAsync("", null, "--memory.budget=64Mi", "--memory.protected-metrics=slo_.*|up");
        await Eventually.True(async () => (await MemoryAsync(server)).GetProperty("level").GetString() == "full", "the guard sees the pressure");
        var (status, text) = await server.WriteAsync(
            (LabelSet.Of(("__name__", "slo_errors_total"), ("job", "app")), Now, 7), (LabelSet.Of(("__name__", "noise"), ("job", "app")), Now, 1));
        Assert.Equal(400, status);
        Assert.Contains("1 new series refused: the memory budget does not allow more; everything else is stored", text, StringComparison.Ordinal);
        Assert.Equal(204, (await server.WriteAsync((LabelSet.Of(("__name__", "slo_errors_total"), ("job", "app")), Now + 1000, 8))).Status);
        var admission = (await MemoryAsync(server)).GetProperty("admission");
        Assert.Equal("closed", admission.GetProperty("level").GetString());
        Assert.Equal(1, admission.GetProperty("admittedUnderPressure").GetInt64());
        var refused = Assert.Single(admission.GetProperty("refused").EnumerateArray());
        Assert.Equal(("app", "budget", 1L), (refused.GetProperty("job").GetString(), refused.GetProperty("reason").GetString(), refused.GetProperty("series").GetInt64()));
        Assert.Equal("noise", Assert.Single(admission.GetProperty("refusedFamilies").EnumerateArray()).GetProperty("family").GetString());
        Assert.Contains("metricsoperator_memory_series_refused_total{job=\"app\",reason=\"budget\"} 1", (await server.TextAsync(HttpMethod.Get, "/metrics")).Text, StringComparison.Ordinal);

        var (queryStatus, answer) = await server.TextAsync(HttpMethod.Get, "/api/v1/query?query=slo_errors_total");
        Assert.Equal(503, queryStatus);
        Assert.Contains("raise --memory.budget", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Observing_lets_everything_happen()
    {
        await using var server = await RunningServer.StartAsync("", null, "--memory.budget=64Mi", "--memory.guard=observe");
        await Eventually.True(async () => (await MemoryAsync(server)).GetProperty("level").GetString() == "full", "the guard sees the pressure");
        Assert.Equal(204, (await server.WriteAsync((LabelSet.Of(("__name__", "noise")), Now, 1))).Status);
        Assert.Equal("1", await server.ScalarAsync("noise"));
    }

    [Fact]
    public void Heaviest_query_is_cancelled_when_all_together_hold_too_much()
    {
        var gate = new QueryGate(maxQueryBytes: 1000, maxTotalBytes: 1500);
        using var light = gate.Enter(out _, CancellationToken.None);
        using (var heavy = gate.Enter(out _, CancellationToken.None))
        {
            heavy!.Memory.Charge(900);
            light!.Memory.Charge(500);
            Assert.Null(heavy.Cancelled);
            light.Memory.Charge(200);
            Assert.Contains("hold 1600 bytes in memory, more than the limit of 1500", heavy.Cancelled, StringComparison.Ordinal);
            Assert.Contains("raise --memory.budget", heavy.Cancelled, StringComparison.Ordinal);
            Assert.True(heavy.Stop.IsCancellationRequested);

            // What the cancelled one gives back is waited for.
            light.Memory.Charge(100);
            Assert.Null(light.Cancelled);
        }

        Assert.Equal(800, gate.HeldBytes);
        light.Memory.Refund(800);
        Assert.Equal(0, gate.HeldBytes);
        var error = Assert.Throws<QueryExecutionException>(() => light.Memory.Charge(1001));
        Assert.Contains("raise --memory.budget", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_query_may_have_a_lower_limit_of_its_own_with_a_reason()
    {
        var gate = new QueryGate(maxQueryBytes: 1000);
        using (var bounded = gate.Enter(out _, CancellationToken.None, 100, "it killed before"))
        {
            var held = new List<long>();
            bounded!.Holds = held.Add;
            bounded.Memory.Charge(60);
            bounded.Memory.Refund(10);
            var error = Assert.Throws<QueryExecutionException>(() => bounded.Memory.Charge(51));
            Assert.Contains("more than the limit of 100: it killed before", error.Message, StringComparison.Ordinal);
            Assert.Equal([60, 50, 101], held);
        }

        Assert.Equal(0, gate.HeldBytes);
        using var free = gate.Enter(out _, CancellationToken.None, 5000, "it killed before");
        var other = Assert.Throws<QueryExecutionException>(() => free!.Memory.Charge(1001));
        Assert.Contains("more than the limit of 1000: ask for fewer series or steps", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_queries_that_hold_the_same_the_oldest_is_cancelled_first_and_told_why()
    {
        var gate = new QueryGate();
        using var first = gate.Enter(out _, CancellationToken.None);
        using var second = gate.Enter(out _, CancellationToken.None);
        Assert.True(gate.CancelHeaviest("short of memory"));
        Assert.True(first!.Stop.IsCancellationRequested);
        Assert.Equal("short of memory", first.Cancelled);
        Assert.False(second!.Stop.IsCancellationRequested);
        Assert.True(gate.CancelHeaviest("again"));
        Assert.False(gate.CancelHeaviest("nothing is left"));
        gate.Refusal = "no";
        Assert.Null(gate.Enter(out var problem, CancellationToken.None));
        Assert.Equal("no", problem);
        Assert.Equal((1, 2), gate.Counts);
    }

    private static async Task<JsonElement> MemoryAsync(RunningServer server) => (await server.GetAsync("/api/v1/status/memory")).GetProperty("data");
}

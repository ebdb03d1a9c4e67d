using System.Text.Json;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Planning.Tests.Support;

/// <summary>Stacks and keep-lists to plan with.</summary>
internal static class TestStacks
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public const string CrimeSpec = """
        {"memory":{"budget":"160Mi"},
         "scrape":{"interval":"15s","jobs":[
           {"name":"app","kubernetes":{"role":"pod","port":"metrics","selector":{"matchLabels":{"app":"crime"}}},"keepList":"essentials"},
           {"name":"self","static":[{"targets":["localhost:9090"]}]}]},
         "overload":{"steps":[{"name":"RaiseInterval","maxInterval":"1m"},{"name":"ApplyKeepLists"}]}}
        """;

    public static MetricsStack Stack(string spec, string name = "crime", long generation = 1) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Namespace = "monitoring", Uid = "11111111-2222-3333-4444-555555555555", Generation = generation },
        Spec = ApiJson.ReadSpec(spec),
    };

    public static MetricsKeepList KeepList(string name, params string[] metrics) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, Namespace = "monitoring" },
        Spec = new MetricsKeepListSpec { Metrics = [.. metrics] },
    };

    public static StackSnapshot Snapshot(string spec, string name = "crime", params MetricsKeepList[] keepLists) => new()
    {
        Stack = Stack(spec, name),
        Settings = new PlanningSettings("metricsoperator/server:0.1.0", ListenOnPodIp: false),
        KeepLists = keepLists,
    };

    public static string Message(string configHash = "", string phase = "ready", long rss = 158L << 20, long heap = 100L << 20, long budget = 160L << 20, string says = "Running") =>
        JsonSerializer.Serialize(new
        {
            v = 1,
            @class = says,
            phase,
            configHash,
            rssBytes = rss,
            heapBytes = heap,
            budgetBytes = budget,
            headSeries = 42_000,
            samplesPerSecond = 3_000,
            newSeriesPerSecond = 900,
            replayPercent = 100,
            top = new object[] { new object[] { "crime_session_bytes_total", 41_000 }, new object[] { "crime_requests_total", 500 } },
        });
}

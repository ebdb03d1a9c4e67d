using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;
using YamlDotNet.RepresentationModel;

namespace MetricsOperator.EndToEnd.Tests.Worlds;

/// <summary>What a newcomer sees after the README's first command, looked at with the real kubectl.</summary>
public sealed class QuickstartTests(QuickstartWorld fixture) : IClassFixture<QuickstartWorld>
{
    private readonly LocalWorld _world = fixture.World;

    [Fact]
    public async Task Stack_is_ready_and_the_urls_are_printed()
    {
        Assert.Contains("monitoring/quickstart", fixture.Printed, StringComparison.Ordinal);
        Assert.Contains(_world.Ingress.ToString().TrimEnd('/'), fixture.Printed, StringComparison.Ordinal);
        var table = await _world.KubectlAsync("get mstack -A");
        Assert.Matches(@"monitoring\s+quickstart\s+True", table);
    }

    [Fact]
    public async Task Range_query_through_the_ingress_returns_rising_counters_of_a_real_exporter()
    {
        await Eventually.True(
            async () =>
            {
                var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
                var result = await QueryAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"query_range?query={Uri.EscapeDataString("sum(node_cpu_seconds_total)")}&start={now - 60:F3}&end={now:F3}&step=1"));
                var values = result["result"]!.AsArray().SelectMany(s => s!["values"]!.AsArray()).Select(v => double.Parse(v![1]!.GetValue<string>(), CultureInfo.InvariantCulture)).ToList();
                return values.Count >= 5 && values[^1] > values[0] && values.SequenceEqual(values.Order());
            },
            "node_cpu_seconds_total rises",
            TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Operator_server_api_server_and_node_exporter_are_up()
    {
        await Eventually.True(
            async () =>
            {
                var result = await QueryAsync("query?query=" + Uri.EscapeDataString("up == 1"));
                var jobs = result["result"]!.AsArray().Select(s => s!["metric"]!["job"]!.GetValue<string>()).ToHashSet();
                return jobs.Count >= 4;
            },
            "at least four jobs are up",
            TimeSpan.FromSeconds(60));
        foreach (var metric in new[] { "prometheus_tsdb_head_series", "workqueue_depth", "apiserver_request_total", "node_load1" })
        {
            var result = await QueryAsync("query?query=" + metric);
            Assert.True(result["result"]!.AsArray().Count > 0, $"{metric} has no series");
        }
    }

    [Fact]
    public async Task Promtool_accepts_the_rendered_server_configuration()
    {
        using var directory = new TempDir();
        var file = directory["server.yaml"];
        var rendered = (await _world.GetAsync("configmap quickstart-config -n monitoring"))["data"]!["server.yaml"]!.GetValue<string>();
        await File.WriteAllTextAsync(file, WithoutKubernetesDiscovery(rendered));
        (await RunResult.RunAsync(Peer.Require("promtool", "prometheus"), ["check", "config", "--syntax-only", file])).Succeeded();
    }

    [Fact]
    public async Task Kubectl_shows_explains_describes_and_logs_without_warnings()
    {
        Assert.Contains("BUDGET", await _world.KubectlAsync("get mstack -n monitoring -o wide"), StringComparison.Ordinal);
        Assert.Contains("budget", await _world.KubectlAsync("explain metricsstack.spec.memory"), StringComparison.Ordinal);
        var story = await _world.KubectlAsync("describe mstack quickstart -n monitoring");
        Assert.Contains("Type:                  Ready", story, StringComparison.Ordinal);
        Assert.Contains("deployment.apps/quickstart-0", await _world.KubectlAsync("get all -n monitoring"), StringComparison.Ordinal);
        Assert.NotEmpty(await _world.KubectlAsync("logs -n monitoring deploy/quickstart-0 --tail=5"));
        await _world.KubectlAsync("get nodes -o wide");
        await _world.KubectlAsync("api-resources");
    }

    [Fact]
    public async Task Schema_refuses_a_negative_budget_and_an_unknown_relabel_action()
    {
        var negative = await _world.TryKubectlAsync("apply -f -", Stack("refused", budget: "-5Mi"));
        Assert.NotEqual(0, negative.ExitCode);
        Assert.Contains("spec.memory.budget", negative.Errors, StringComparison.Ordinal);
        var action = await _world.TryKubectlAsync("apply -f -", Stack("refused", relabelAction: "shred"));
        Assert.NotEqual(0, action.ExitCode);
        Assert.Contains("spec.scrape.jobs[0].metricRelabelings[0].action", action.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("refused", await _world.KubectlAsync("get mstack -n monitoring"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bad_spec_is_reported_with_its_path_and_the_running_configuration_stays()
    {
        await _world.KubectlAsync("apply -f -", Stack("lastgood"));
        await Eventually.True(async () => await _world.ConditionAsync("lastgood", "Ready") == "True", "lastgood is ready", TimeSpan.FromSeconds(60));
        var before = (await _world.GetAsync("configmap lastgood-config -n monitoring"))["data"]!.ToJsonString();

        await _world.KubectlAsync("apply -f -", Stack("lastgood", regex: "a("));
        await Eventually.True(async () => await _world.ConditionAsync("lastgood", "ConfigValid") == "False", "ConfigValid is False");
        Assert.Contains("spec.scrape.jobs[0].metricRelabelings[0].regex", await MessageAsync("lastgood"), StringComparison.Ordinal);

        await _world.KubectlAsync("apply -f -", Stack("lastgood", interval: "5s", timeout: "9s"));
        await Eventually.True(async () => (await MessageAsync("lastgood")).Contains("timeout", StringComparison.Ordinal), "the timeout is reported");
        Assert.Equal(before, (await _world.GetAsync("configmap lastgood-config -n monitoring"))["data"]!.ToJsonString());

        await _world.KubectlAsync("apply -f -", Stack("lastgood"));
        await Eventually.True(async () => await _world.ConditionAsync("lastgood", "ConfigValid") == "True", "ConfigValid is True again");
        await _world.KubectlAsync("delete mstack lastgood -n monitoring --wait=true");
    }

    [Fact]
    public async Task Deleting_a_stack_removes_what_it_owned_and_keeps_its_claim()
    {
        await _world.KubectlAsync("apply -f -", Stack("shortlived"));
        await Eventually.True(async () => await _world.ConditionAsync("shortlived", "Ready") == "True", "shortlived is ready", TimeSpan.FromSeconds(60));
        Assert.Contains("shortlived-0", await _world.KubectlAsync("get deploy -n monitoring"), StringComparison.Ordinal);
        await _world.KubectlAsync("patch mstack shortlived -n monitoring --type=merge -p {\"spec\":{\"scrape\":{\"interval\":\"7s\"}}}");
        await Eventually.True(
            async () => (await _world.GetAsync("configmap shortlived-config -n monitoring"))["data"]!.ToJsonString().Contains("7s", StringComparison.Ordinal),
            "the patched interval is rendered");

        await _world.KubectlAsync("delete mstack shortlived -n monitoring --wait=true");
        await Eventually.True(
            async () => !(await _world.KubectlAsync("get deploy,rs,pods,svc,cm,secret,ingress,sa,pdb,roles,rolebindings -n monitoring -o name")).Contains("shortlived", StringComparison.Ordinal),
            "what the stack owned is gone",
            TimeSpan.FromSeconds(60));
        Assert.Contains("shortlived", await _world.KubectlAsync("get pvc -n monitoring -o name"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Steady_state_makes_no_writes_for_a_minute()
    {
        await Eventually.True(async () => await _world.ConditionAsync("quickstart", "Ready") == "True", "quickstart is ready");
        await Task.Delay(TimeSpan.FromSeconds(5));
        var from = TimeProvider.System.GetUtcNow();
        await Task.Delay(TimeSpan.FromSeconds(60));
        var writes = File.ReadLines(_world.AuditLog).Select(l => JsonNode.Parse(l)!)
            .Where(e => DateTimeOffset.Parse(e["ts"]!.GetValue<string>(), CultureInfo.InvariantCulture) >= from)
            .Where(e => e["verb"]!.GetValue<string>() is "create" or "update" or "patch" or "apply" or "delete" or "deletecollection")
            .Where(e => e["resource"]!.GetValue<string>() is not ("leases" or "leases.coordination.k8s.io" or "coordination.k8s.io/leases"))
            .Select(e => e.ToJsonString()).ToList();
        Assert.True(writes.Count == 0, string.Join('\n', writes));
    }

    /// <summary>The figures in docs/operations/figures.md and a tenth more: what a change adds to every server shows here.</summary>
    [Theory]
    [InlineData("server", 112_000_000)]
    [InlineData("operator", 123_000_000)]
    public async Task Processes_stay_small(string job, double limit)
    {
        var resident = 0d;
        await Eventually.True(
            async () =>
            {
                var result = (await QueryAsync($"query?query={Uri.EscapeDataString($"process_resident_memory_bytes{{job=\"{job}\"}}")}"))["result"]!.AsArray();
                resident = result.Count == 1 ? double.Parse(result[0]!["value"]![1]!.GetValue<string>(), CultureInfo.InvariantCulture) : 0;
                return resident > 0;
            },
            $"{job} tells its resident memory",
            TimeSpan.FromSeconds(60));
        Assert.InRange(resident, 10_000_000, limit);
    }

    /// <summary>Debian builds promtool without this discovery; everything else is checked as it is.</summary>
    private static string WithoutKubernetesDiscovery(string config)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(config));
        foreach (var job in ((YamlSequenceNode)((YamlMappingNode)yaml.Documents[0].RootNode).Children["scrape_configs"]).Cast<YamlMappingNode>())
        {
            Assert.True(job.Children.Remove("kubernetes_sd_configs"));
        }

        using var text = new StringWriter();
        yaml.Save(text, assignAnchors: false);
        return text.ToString();
    }

    private async Task<string> MessageAsync(string stack) =>
        (await _world.GetAsync($"mstack {stack} -n monitoring"))["status"]!["conditions"]!.AsArray()
            .Single(c => c!["type"]!.GetValue<string>() == "ConfigValid")!["message"]!.GetValue<string>();

    private async Task<JsonNode> QueryAsync(string call)
    {
        using var http = new HttpClient();
        var body = await http.GetStringAsync(new Uri(_world.Ingress, "/quickstart/api/v1/" + call));
        return JsonNode.Parse(body)!["data"]!;
    }

    private static string Stack(string name, string budget = "200Mi", string interval = "5s", string timeout = "2s", string relabelAction = "drop", string regex = "go_.*") => $$"""
        apiVersion: metricsoperator.dev/v1alpha1
        kind: MetricsStack
        metadata:
          name: {{name}}
          namespace: monitoring
        spec:
          storage: {size: 1Gi}
          memory: {budget: {{budget}}}
          scrape:
            interval: {{interval}}
            timeout: {{timeout}}
            jobs:
            - name: nothing
              static:
              - targets: ["127.0.0.1:1"]
              metricRelabelings:
              - {action: {{relabelAction}}, sourceLabels: [__name__], regex: "{{regex}}"}
        """;
}

using System.Text;
using System.Threading.Channels;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Discovery;
using MetricsOperator.Server.Hosting;
using MetricsOperator.Server.Tests.Config;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Discovery;

/// <summary>Discovery against an API that lists and watches over HTTP.</summary>
public sealed class KubernetesDiscoveryTests
{
    [Fact]
    public async Task Pods_become_targets_and_follow_the_watch()
    {
        using var folder = new TempDir();
        await using var api = await PodApi.StartAsync();
        File.WriteAllText(folder["kubeconfig"], $$$"""
            apiVersion: v1
            kind: Config
            current-context: c
            contexts: [{name: c, context: {cluster: k, user: u, namespace: mine}}]
            clusters: [{name: k, cluster: {server: '{{{api.Address}}}'}}]
            users: [{name: u, user: {token: t}}]
            """);
        var found = new Dictionary<string, IReadOnlyList<LabelSet>>();
        Exception? defect = null;
        await using (var discovery = new DiscoveryManager(
            (job, targets) =>
            {
                lock (found)
                {
                    found[job] = targets;
                }
            },
            e => defect = e, TimeProvider.System, NullLogger.Instance))
        {
            var config = ConfigFileTests.Parse($$$"""
                scrape_configs:
                - job_name: one
                  kubernetes_sd_configs: [{role: pod, kubeconfig_file: {{{folder["kubeconfig"]}}}, namespaces: {own_namespace: true}, selectors: [{role: pod, label: app=x}]}]
                  static_configs: [{targets: ['s:1'], labels: {l: v}}]
                - job_name: two
                  kubernetes_sd_configs: [{role: pod, kubeconfig_file: {{{folder["kubeconfig"]}}}, namespaces: {own_namespace: true}, selectors: [{role: pod, label: app=x}]}]
                - job_name: three
                  static_configs: [{targets: ['s:3']}]
                """);
            discovery.Apply(config);
            Assert.Equal("s:3", Addresses(found, "three"));
            await Eventually.True(() => Addresses(found, "one") == "s:1 10.0.0.1:80" && Addresses(found, "two") == "10.0.0.1:80", "the first pod");
            api.Send("""{"type":"ADDED","object":""" + PodApi.Pod("b", "10.0.0.2", 2) + "}");
            await Eventually.True(() => Addresses(found, "two") == "10.0.0.1:80 10.0.0.2:80", "the second pod");
            api.Send("""{"type":"DELETED","object":""" + PodApi.Pod("a", "10.0.0.1", 3) + "}");
            await Eventually.True(() => Addresses(found, "two") == "10.0.0.2:80", "the first pod is gone");
            Assert.Equal(1, api.Lists);
            Assert.Contains("/api/v1/namespaces/mine/pods", api.LastList, StringComparison.Ordinal);
            Assert.Contains("labelSelector=app%3Dx", api.LastList, StringComparison.Ordinal);
        }

        Assert.Null(defect);
    }

    private static string Addresses(Dictionary<string, IReadOnlyList<LabelSet>> found, string job)
    {
        lock (found)
        {
            return found.TryGetValue(job, out var targets) ? string.Join(' ', targets.Select(t => t.Get("__address__")).OrderBy(a => a.StartsWith('s') ? "" : a, StringComparer.Ordinal)) : "nothing";
        }
    }

    /// <summary>One collection of pods: a list with one pod, then whatever a test sends.</summary>
    private sealed class PodApi : IAsyncDisposable
    {
        private readonly HttpListener _http;
        private readonly Channel<string> _events = Channel.CreateUnbounded<string>();
        private int _lists;

        private PodApi() => _http = new HttpListener(ServerFlags.Parse("--web.listen-address=127.0.0.1:0"), AnswerAsync, NullLoggerFactory.Instance);

        public Uri Address => _http.Addresses[0];

        public int Lists => _lists;

        public string LastList { get; private set; } = string.Empty;

        public static async Task<PodApi> StartAsync()
        {
            var api = new PodApi();
            await api._http.StartAsync(CancellationToken.None);
            return api;
        }

        public static string Pod(string name, string ip, int version) =>
            $$$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"{{{name}}}","namespace":"mine","uid":"u-{{{name}}}","resourceVersion":"{{{version}}}"},"spec":{"containers":[{"name":"c","image":"i","ports":[{"containerPort":80}]}]},"status":{"phase":"Running","podIP":"{{{ip}}}"}}""";

        public void Send(string line) => _events.Writer.TryWrite(line);

        public async ValueTask DisposeAsync()
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await _http.StopAsync(now.Token);
            await _http.DisposeAsync();
        }

        private async Task AnswerAsync(HttpContext context)
        {
            context.Response.ContentType = "application/json";
            if (!context.Request.Query.ContainsKey("watch"))
            {
                Interlocked.Increment(ref _lists);
                LastList = context.Request.Path + context.Request.QueryString;
                await context.Response.WriteAsync($$$"""{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[{{{Pod("a", "10.0.0.1", 1)}}}]}""");
                return;
            }

            await context.Response.Body.FlushAsync();
            await foreach (var line in _events.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));
                await context.Response.Body.FlushAsync();
            }
        }
    }
}

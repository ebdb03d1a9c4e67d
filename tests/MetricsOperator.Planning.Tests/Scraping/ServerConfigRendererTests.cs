using System.Diagnostics;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Planning.Scraping;
using MetricsOperator.Planning.Tests.Support;
using MetricsOperator.TestKit;

namespace MetricsOperator.Planning.Tests.Scraping;

public sealed class ServerConfigRendererTests
{
    private const string EverySpec = """
        {"memory":{"budget":"1Gi"},"externalLabels":{"cluster":"pr$d","az":"a"},
         "scrape":{"interval":"15s","timeout":"5s","minInterval":"5s","protectedMetrics":["kube_pod_status_.*"],"keepLists":["always"],
          "limits":{"sampleLimit":50000,"bodySizeLimit":"50M","targetLimit":100,"labelLimit":64,"labelNameLengthLimit":200,"labelValueLengthLimit":2000},
          "metricRelabelings":[{"action":"labeldrop","regex":"tmp_.*"}],
          "jobs":[
           {"name":"fast","interval":"1s","static":[{"targets":["a:1","b:2"],"labels":{"team":"x"}}],"params":{"module":["http"],"a":["1","2"]},"honorLabels":true,"sampleLimit":10,"path":"/m","scheme":"https",
            "tls":{"ca":{"name":"s","key":"ca"},"cert":{"name":"s","key":"c"},"key":{"name":"s","key":"k"},"serverName":"x","insecureSkipVerify":true},
            "authorization":{"type":"Token","credentials":{"name":"s","key":"t"}}},
           {"name":"api","kubernetes":{"role":"apiserver"}},
           {"name":"kubelet","kubernetes":{"role":"node"},"scheme":"https","authorization":{"serviceAccount":true},"tls":{"insecureSkipVerify":true}},
           {"name":"pods","kubernetes":{"role":"pod","port":"metrics","namespaces":{"names":["b","a"]},"selector":{"matchLabels":{"app":"x","tier":"y"},"field":"spec.nodeName=n1"}},
            "relabelings":[{"sourceLabels":["__meta_kubernetes_pod_node_name"],"targetLabel":"node"}],
            "metricRelabelings":[{"action":"drop","sourceLabels":["__name__"],"regex":"go_.*"},{"action":"hashmod","sourceLabels":["a","b"],"separator":":","modulus":7,"targetLabel":"shard"}],"keepList":"mine"},
           {"name":"services","kubernetes":{"role":"service","namespaces":{"any":true}}},
           {"name":"slices","kubernetes":{"role":"endpointslice","port":"8080"}},
           {"name":"ends","kubernetes":{"role":"endpoints"}}]}}
        """;

    private static readonly MetricsKeepList[] Lists = [TestStacks.KeepList("always", "b_total", "a_total"), TestStacks.KeepList("mine", "(?i)x.*", "b_total")];

    [Fact]
    public void Every_field_has_its_place() => Golden.Check("testdata/config/every-field.golden", Render(EverySpec, []));

    [Fact]
    public void Steps_raise_intervals_and_append_keep_rules_at_the_end() => Golden.Check("testdata/config/tightened.golden", Render(EverySpec, ["RaiseInterval", "ApplyKeepLists"]));

    [Fact]
    public void Two_renderings_are_the_same_bytes() => Assert.Equal(Render(EverySpec, ["RaiseInterval"]), Render(EverySpec, ["RaiseInterval"]));

    [Fact]
    public void Prometheus_accepts_what_is_rendered()
    {
        var promtool = Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        foreach (var steps in new string[][] { [], ["RaiseInterval", "ApplyKeepLists"] })
        {
            foreach (var spec in new[] { EverySpec, TestStacks.CrimeSpec, """{"memory":{"budget":"1Gi"}}""" })
            {
                File.WriteAllText(folder["server.yaml"], WithoutKubernetes(Render(spec, steps)));
                File.WriteAllText(folder["token"], "t");
                foreach (var file in CredentialFiles.Of(ApiJson.ReadSpec(spec)))
                {
                    File.WriteAllText(folder[file.FileName], "x");
                }

                // Certificates would have to be real; their files are not what is checked here.
                using var process = Process.Start(new ProcessStartInfo(promtool, ["check", "config", "--syntax-only", folder["server.yaml"]]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
                var output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
                process.WaitForExit();
                Assert.True(process.ExitCode == 0, output);
            }
        }
    }

    [Fact]
    public void Intervals_are_clamped_and_never_lowered_by_a_step()
    {
        var spec = ApiJson.ReadSpec("""
            {"memory":{"budget":"1Gi"},"overload":{"steps":[{"name":"RaiseInterval","factor":4,"maxInterval":"40s"}]},
             "scrape":{"interval":"15s","minInterval":"5s","jobs":[
              {"name":"fast","interval":"1s","static":[{"targets":["a:1"]}]},
              {"name":"usual","static":[{"targets":["a:1"]}]},
              {"name":"slow","interval":"2m","static":[{"targets":["a:1"]}]}]}}
            """);
        Assert.Equal([5, 15, 120], Intervals(spec, []));
        Assert.Equal([20, 40, 120], Intervals(spec, ["RaiseInterval"]));
    }

    [Fact]
    public void Timeout_is_never_longer_than_the_interval()
    {
        var spec = ApiJson.ReadSpec("""{"memory":{"budget":"1Gi"},"scrape":{"interval":"4s","jobs":[{"name":"a","static":[{"targets":["a:1"]}]}]}}""");
        Assert.Equal(4, EffectiveScrape.Of(spec, [], []).Jobs[0].Timeout.TotalSeconds);
        Assert.Equal(10, EffectiveScrape.Of(spec, ["RaiseInterval"], []).Jobs[0].Timeout.TotalSeconds);
    }

    [Fact]
    public void Keep_regex_always_keeps_what_is_written_beside_a_scrape_and_what_is_protected()
    {
        var regex = KeepRegex.Build([TestStacks.KeepList("l", "b", "a", "b", "x|y")], ["p_.*"]);
        Assert.Equal("a|b|(?:p_.*)|scrape_.+|up|(?:x|y)", regex);
    }

    /// <summary>Debian builds Prometheus without Kubernetes discovery; everything else of the file is for promtool to judge.</summary>
    private static string WithoutKubernetes(string config)
    {
        var lines = new List<string>();
        var skipping = false;
        foreach (var line in config.Split('\n'))
        {
            skipping = line == "  kubernetes_sd_configs:" || (skipping && (line.StartsWith("  - ", StringComparison.Ordinal) || line.StartsWith("    ", StringComparison.Ordinal)));
            if (!skipping)
            {
                lines.Add(line);
            }
        }

        return string.Join('\n', lines);
    }

    private static IEnumerable<double> Intervals(MetricsStackSpec spec, string[] steps) => EffectiveScrape.Of(spec, steps, []).Jobs.Select(j => j.Interval.TotalSeconds);

    private static string Render(string text, string[] steps)
    {
        var spec = ApiJson.ReadSpec(text);
        return ServerConfigRenderer.Render(spec, EffectiveScrape.Of(spec, steps, Lists));
    }
}

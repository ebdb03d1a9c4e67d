using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.Api.Schema;
using MetricsOperator.Cli.Local;
using Spectre.Console;

namespace MetricsOperator.Cli.Up;

/// <summary>One run of <c>metricsctl up</c>: build, start, install, apply, wait, show, stop.</summary>
internal sealed class UpRun
{
    private const string StacksPath = "apis/metricsoperator.dev/v1alpha1/namespaces/";
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(2);

    private readonly UpOptions _options;
    private readonly TimeProvider _time;
    private readonly StepProgress _progress;
    private readonly string _data;

    public UpRun(UpOptions options, IAnsiConsole console, TimeProvider time)
    {
        _options = options;
        _time = time;
        _progress = new StepProgress(console);
        _data = options.DataDirectory is null ? Directory.CreateTempSubdirectory("metricsctl-").FullName : Path.GetFullPath(options.DataDirectory);
    }

    /// <summary>Runs to the end; returns the exit code. What was started is stopped unless the run is detached and came up.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var stopAtEnd = true;
        try
        {
            var manifests = ReadManifests();
            var (info, stacks) = await BringUpAsync(manifests, cancellation).ConfigureAwait(false);
            Summarize(info, stacks);
            if (_options.Detach)
            {
                stopAtEnd = false;
                return 0;
            }

            Console.WriteLine("Ctrl-C stops everything.\n");
            await StreamStatusAsync(stacks, cancellation).ConfigureAwait(false);
            return 0;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return 0;
        }
        finally
        {
            if (stopAtEnd)
            {
                await StopAsync().ConfigureAwait(false);
            }
        }
    }

    private IReadOnlyList<JsonObject> ReadManifests()
    {
        if (_options.Files.Count == 0)
        {
            return Manifests.Read(EmbeddedManifests.Read(EmbeddedManifests.Quickstart), EmbeddedManifests.Quickstart);
        }

        var all = new List<JsonObject>();
        foreach (var file in _options.Files)
        {
            if (!File.Exists(file))
            {
                throw new LocalWorldException($"cannot read {file}: there is no such file");
            }

            all.AddRange(Manifests.Read(File.ReadAllText(file), file));
        }

        return all;
    }

    private async Task<(ClusterInfo Info, IReadOnlyList<StackView> Stacks)> BringUpAsync(IReadOnlyList<JsonObject> manifests, CancellationToken cancellation)
    {
        var executables = Executables.Locate();
        if (executables.NeedBuild())
        {
            await _progress.RunAsync("building the operator, the server and the local cluster", report => executables.BuildAsync(report, cancellation)).ConfigureAwait(false);
        }

        executables.Check();
        ClusterInfo info = null!;
        await _progress.RunAsync("starting the local cluster", async report =>
        {
            info = await ClusterProcess.StartAsync(executables, _data, _options.ClusterArguments, cancellation).ConfigureAwait(false);
            report($"API {info.ApiUrl}, memory limits by {info.MemoryLimits}");
        }).ConfigureAwait(false);

        using var client = new WorldClient(Path.Combine(_data, "kubeconfig"));
        await _progress.RunAsync("installing the custom resource definitions", report => InstallDefinitionsAsync(client, report, cancellation)).ConfigureAwait(false);
        await _progress.RunAsync("installing the operator", report => InstallOperatorAsync(client, report, cancellation)).ConfigureAwait(false);
        await _progress.RunAsync("applying " + (_options.Files.Count == 0 ? "the quickstart example" : string.Join(", ", _options.Files)), async report =>
        {
            if (_options.Files.Count == 0 && NodeExporter.Find() is not null)
            {
                manifests = [.. manifests, .. Manifests.Read(EmbeddedManifests.Read(EmbeddedManifests.NodeExporter), EmbeddedManifests.NodeExporter)];
            }

            foreach (var manifest in manifests)
            {
                report(await client.ApplyAsync(manifest, cancellation).ConfigureAwait(false));
            }
        }).ConfigureAwait(false);

        var stacks = manifests.Where(m => m["kind"]!.GetValue<string>() == "MetricsStack")
            .Select(m => (Namespace: m["metadata"]!["namespace"]?.GetValue<string>() ?? "default", Name: m["metadata"]!["name"]!.GetValue<string>()))
            .ToList();
        var views = new List<StackView>();
        foreach (var (ns, name) in stacks)
        {
            await _progress.RunAsync($"waiting for stack {ns}/{name}", async report =>
                views.Add(await WaitReadyAsync(client, ns, name, report, cancellation).ConfigureAwait(false))).ConfigureAwait(false);
        }

        return (info, views);
    }

    private static async Task InstallDefinitionsAsync(WorldClient client, Action<string> report, CancellationToken cancellation)
    {
        var definitions = Generated("crds/");
        foreach (var definition in definitions)
        {
            report(await client.ApplyAsync(definition, cancellation).ConfigureAwait(false));
        }

        foreach (var name in definitions.Select(d => d["metadata"]!["name"]!.GetValue<string>()))
        {
            while (!HasCondition(await client.FindAsync($"apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", cancellation).ConfigureAwait(false), "Established"))
            {
                await Task.Delay(PollInterval, cancellation).ConfigureAwait(false);
            }
        }

        client.ForgetDiscovery();
    }

    private async Task InstallOperatorAsync(WorldClient client, Action<string> report, CancellationToken cancellation)
    {
        var deployment = string.Empty;
        foreach (var manifest in LocalOperator.Adapt(Generated("deploy/")))
        {
            report(await client.ApplyAsync(manifest, cancellation).ConfigureAwait(false));
            if (manifest["kind"]!.GetValue<string>() == "Deployment")
            {
                deployment = $"apis/apps/v1/namespaces/{manifest["metadata"]!["namespace"]}/deployments/{manifest["metadata"]!["name"]}";
            }
        }

        report("waiting for its deployment");
        var deadline = _time.GetUtcNow() + _options.Timeout;
        while (!HasCondition(await client.FindAsync(deployment, cancellation).ConfigureAwait(false), "Available"))
        {
            if (_time.GetUtcNow() > deadline)
            {
                throw new LocalWorldException($"the operator did not become available within {_options.Timeout.TotalSeconds:0} s; its logs are below {Path.Combine(_data, "logs", "pods")}");
            }

            await Task.Delay(PollInterval, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<StackView> WaitReadyAsync(WorldClient client, string ns, string name, Action<string> report, CancellationToken cancellation)
    {
        var deadline = _time.GetUtcNow() + _options.Timeout;
        while (true)
        {
            var stack = await client.FindAsync($"{StacksPath}{ns}/metricsstacks/{name}", cancellation).ConfigureAwait(false)
                ?? throw new LocalWorldException($"stack {ns}/{name} is gone");
            var view = StackView.Of(stack);
            if (view.IsReady)
            {
                return view;
            }

            report($"{view.Reason}: {view.Message}");
            if (_time.GetUtcNow() > deadline)
            {
                throw new LocalWorldException($"stack {ns}/{name} did not become Ready within {_options.Timeout.TotalSeconds:0} s: {view.Reason}: {view.Message}");
            }

            await Task.Delay(PollInterval, cancellation).ConfigureAwait(false);
        }
    }

    private async Task StreamStatusAsync(IReadOnlyList<StackView> stacks, CancellationToken cancellation)
    {
        using var client = new WorldClient(Path.Combine(_data, "kubeconfig"));
        var printed = new Dictionary<string, string>();
        while (true)
        {
            foreach (var stack in stacks)
            {
                var now = await client.FindAsync($"{StacksPath}{stack.Namespace}/metricsstacks/{stack.Name}", cancellation).ConfigureAwait(false);
                var line = now is null ? $"{stack.Namespace}/{stack.Name}  deleted" : StackView.Of(now).Line();
                if (printed.GetValueOrDefault(stack.Name) != line)
                {
                    printed[stack.Name] = line;
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_time.GetLocalNow():HH:mm:ss}  {line}"));
                }
            }

            await Task.Delay(StatusInterval, cancellation).ConfigureAwait(false);
        }
    }

    private void Summarize(ClusterInfo info, IReadOnlyList<StackView> stacks)
    {
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Ready in {_progress.Elapsed.TotalSeconds:0.0} s"));
        Console.WriteLine($"  kubeconfig  export KUBECONFIG={Path.Combine(_data, "kubeconfig")}");
        Console.WriteLine($"  API server  {info.ApiUrl}");
        Console.WriteLine($"  logs        {Path.Combine(_data, "logs")}");
        foreach (var stack in stacks)
        {
            Console.WriteLine($"  stack       {stack.Namespace}/{stack.Name}: kubectl describe mstack {stack.Name} -n {stack.Namespace}");
            if (stack.IngressPath is not null || stack.IngressHost is not null)
            {
                var url = info.IngressUrl.TrimEnd('/') + (stack.IngressPath ?? "/").TrimEnd('/');
                Console.WriteLine($"    URL       {url}/");
                Console.WriteLine($"    query     curl -s '{url}/api/v1/query?query=up'");
            }
        }

        if (_options.Detach)
        {
            Console.WriteLine($"  stop        metricsctl down --data {_data}");
        }

        Console.WriteLine();
    }

    private async Task StopAsync()
    {
        if (await ClusterProcess.StopAsync(_data).ConfigureAwait(false))
        {
            Console.WriteLine("stopped");
        }

        if (_options.DataDirectory is null)
        {
            Directory.Delete(_data, recursive: true);
        }
    }

    /// <summary>The manifests that come from C# types, the same as in the source tree.</summary>
    private static List<JsonObject> Generated(string folder) =>
        [.. GeneratedFiles.All().Where(f => f.Path.StartsWith(folder, StringComparison.Ordinal)).SelectMany(f => Manifests.Read(f.Text, f.Path))];

    private static bool HasCondition(JsonNode? resource, string type) =>
        resource?["status"]?["conditions"]?.AsArray().Any(c => c?["type"]?.GetValue<string>() == type && c["status"]?.GetValue<string>() == "True") == true;
}

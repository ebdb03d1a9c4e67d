using System.CommandLine;
using System.Runtime.InteropServices;
using MetricsOperator.LocalCluster.Hosting;
using Microsoft.Extensions.Logging;

var data = new Option<string>("--data") { Description = "Directory of all state: kubeconfig, certificates, objects, volumes, logs", Required = true };
var port = new Option<int>("--port") { Description = "Port of the API on 127.0.0.1; 0 takes the port of the last run, or any" };
var images = new Option<string[]>("--image") { Description = "NAME=EXECUTABLE: what runs when a pod asks for the image", DefaultValueFactory = _ => [] };
var memoryLimits = new Option<string>("--memory-limits") { Description = "auto, cgroup, rss or off", DefaultValueFactory = _ => "auto" };
var ingressPort = new Option<int>("--ingress-port") { Description = "Port of the ingress proxy on 127.0.0.1; 0 takes any" };
var backoffScale = new Option<double>("--backoff-scale") { Description = "Factor on restart back-off", DefaultValueFactory = _ => 1.0 };
var crds = new Option<string?>("--crds") { Description = "Directory with CustomResourceDefinitions that are applied at start" };
var auditLog = new Option<string?>("--audit-log") { Description = "File for one JSON line per request" };
var command = new RootCommand("A Kubernetes API with controllers and a process kubelet, for development and tests; it listens on 127.0.0.1 alone")
{
    data, port, images, memoryLimits, ingressPort, backoffScale, crds, auditLog,
};
command.SetAction(async (parsed, _) =>
{
    var options = new ClusterOptions
    {
        DataDirectory = Path.GetFullPath(parsed.GetRequiredValue(data)),
        Port = parsed.GetValue(port),
        Images = parsed.GetValue(images)!.Select(i => i.Split('=', 2)).ToDictionary(i => i[0], i => i.Length == 2 ? Path.GetFullPath(i[1]) : throw new ArgumentException($"--image {i[0]}: want NAME=EXECUTABLE")),
        MemoryLimits = parsed.GetValue(memoryLimits)!,
        IngressPort = parsed.GetValue(ingressPort),
        BackoffScale = parsed.GetValue(backoffScale),
        CrdDirectory = parsed.GetValue(crds),
        AuditLog = parsed.GetValue(auditLog),
    };
    return await RunAsync(options);
});
// Signals are handled below: pods are stopped in order, however long that takes.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });

static async Task<int> RunAsync(ClusterOptions options)
{
    Directory.CreateDirectory(options.DataDirectory);
    using var logs = LoggerFactory.Create(b => b
        .SetMinimumLevel(LogLevel.Information)
        .AddFilter("Microsoft", LogLevel.Warning)

        // What the host logs here is thrown too.
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
        .AddSimpleConsole(c =>
        {
            c.SingleLine = true;
            c.TimestampFormat = "HH:mm:ss.fff ";
            c.UseUtcTimestamp = true;
        }));
    var log = logs.CreateLogger("cluster");
    using var stop = new SemaphoreSlim(0);
    void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        stop.Release();
    }

    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    await using (var host = await ClusterHost.StartAsync(options, withParts: true, TimeProvider.System, logs))
    {
        log.LogInformation("The cluster is up: API {Url}, KUBECONFIG={Kubeconfig}, memory limits: {Limits}", host.ApiUrl, host.KubeconfigPath, host.Services.MemoryLimitsInForce);
        await stop.WaitAsync();
        log.LogInformation("Stopping");
    }

    log.LogInformation("Stopped");
    return 0;
}

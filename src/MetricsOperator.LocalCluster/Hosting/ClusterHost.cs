using System.Net.Sockets;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Bootstrap;
using MetricsOperator.LocalCluster.Http;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Security;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>A running cluster: state, API, controllers and kubelet, below one data directory.</summary>
public sealed class ClusterHost : IAsyncDisposable
{
    private readonly FileStream _lock;
    private readonly ClusterCertificates _certificates;
    private readonly ClusterCore _core;
    private readonly ApiServer _server;
    private readonly IReadOnlyList<IClusterPart> _parts;
    private readonly CancellationTokenSource _stop;

    private ClusterHost(FileStream lockFile, ClusterCertificates certificates, ClusterCore core, ApiServer server, ClusterServices services, IReadOnlyList<IClusterPart> parts, CancellationTokenSource stop)
    {
        _lock = lockFile;
        _certificates = certificates;
        _core = core;
        _server = server;
        Services = services;
        _parts = parts;
        _stop = stop;
    }

    public ClusterServices Services { get; }

    public Uri ApiUrl => _server.Url;

    /// <summary>Path of the administrator's kubeconfig.</summary>
    public string KubeconfigPath => Path.Combine(Services.Options.DataDirectory, "kubeconfig");

    /// <summary>Starts everything and writes <c>kubeconfig</c> and <c>cluster.json</c> when it works.</summary>
    /// <param name="options">The command line.</param>
    /// <param name="withParts">False leaves out controllers and kubelet; for tests of the API alone.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logs">Where to log.</param>
    /// <exception cref="IOException">A file cannot be written or the port is taken.</exception>
    public static async Task<ClusterHost> StartAsync(ClusterOptions options, bool withParts, TimeProvider time, ILoggerFactory logs)
    {
        var data = options.DataDirectory;
        Directory.CreateDirectory(data);
        File.SetUnixFileMode(data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var lockFile = Lock(data);
        var certificates = ClusterCertificates.OpenOrCreate(Path.Combine(data, "pki"), time);
        var core = ClusterCore.Open(Path.Combine(data, "state"), options.AuditLog, certificates.AuthorityPem, time, logs);
        var tokens = new ServiceAccountTokens(certificates.TokenKey, core.Store, time);
        var server = await ListenAsync(options, core, certificates, tokens, time, logs);
        var url = server.Url;
        ClusterObjects.EnsureApiService(core.Api, url);
        ManifestLoader.Load(core, options.CrdDirectory);

        var services = new ClusterServices
        {
            Options = options,
            Api = core.Api,
            ApiUrl = url,
            CaCertificatePem = certificates.AuthorityPem,
            Time = time,
            Logs = logs,
            IssuePodToken = r => tokens.Issue(r.Namespace, r.ServiceAccount, r.Lifetime, (r.PodName, r.PodUid)).Token,
        };
        var stop = new CancellationTokenSource();
        IReadOnlyList<IClusterPart> parts = withParts ? ClusterParts.Create(services) : [];
        var host = new ClusterHost(lockFile, certificates, core, server, services, parts, stop);
        foreach (var part in parts)
        {
            await part.StartAsync(stop.Token);
        }

        server.BecomeReady(services);
        Kubeconfig.Write(host.KubeconfigPath, url, certificates);
        host.WriteClusterFile();
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var part in _parts.Reverse())
        {
            await part.DisposeAsync();
        }

        await _server.DisposeAsync();
        _core.Dispose();
        _certificates.Dispose();
        _stop.Dispose();
        await _lock.DisposeAsync();
    }

    /// <summary>One cluster per directory: the lock ends with the process, however it ends.</summary>
    private static FileStream Lock(string data)
    {
        var path = Path.Combine(data, "cluster.lock");
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (IOException e)
        {
            throw new IOException($"cannot use {data}: another cluster runs on it ({path} is locked)", e);
        }
    }

    /// <summary>Port 0 takes the port of the last run, so that an old kubeconfig and running clients go on, unless somebody else has it now.</summary>
    private static async Task<ApiServer> ListenAsync(ClusterOptions options, ClusterCore core, ClusterCertificates certificates, ServiceAccountTokens tokens, TimeProvider time, ILoggerFactory logs)
    {
        if (options.Port == 0 && LastPort(options.DataDirectory) is { } last)
        {
            try
            {
                return await ApiServer.StartAsync(core, certificates, tokens, last, time, logs);
            }
            catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException or SocketException)
            {
                logs.CreateLogger<ClusterHost>().LogWarning("Port {Port} of the last run is taken; another one is used", last);
            }
        }

        return await ApiServer.StartAsync(core, certificates, tokens, options.Port, time, logs);
    }

    private static int? LastPort(string data)
    {
        var path = Path.Combine(data, "cluster.json");
        return File.Exists(path) && JsonDocuments.TryParseObject(File.ReadAllBytes(path)).StringAt("apiUrl") is { } url ? new Uri(url).Port : null;
    }

    private void WriteClusterFile()
    {
        var path = Path.Combine(Services.Options.DataDirectory, "cluster.json");
        var json = new JsonObject
        {
            ["pid"] = Environment.ProcessId,
            ["apiUrl"] = ApiUrl.GetLeftPart(UriPartial.Authority),
            ["ingressUrl"] = Services.IngressUrl?.GetLeftPart(UriPartial.Authority),
            ["memoryLimits"] = Services.MemoryLimitsInForce,
        };
        File.WriteAllBytes(path + ".tmp", JsonDocuments.ToBytes(json));
        File.SetUnixFileMode(path + ".tmp", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(path + ".tmp", path, overwrite: true);
    }
}

using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.LocalCluster.Tests.Http;

/// <summary>An API without controllers, on a free port, spoken to over HTTPS as a client would.</summary>
public sealed class ApiWorld : IAsyncLifetime
{
    private ClusterHost? _host;

    public TempDir Directory { get; } = new();

    public string AuditLog => Directory["audit.jsonl"];

    public string Kubeconfig => _host!.KubeconfigPath;

    public ClusterHost Host => _host!;

    public HttpClient Admin { get; private set; } = null!;

    public async ValueTask InitializeAsync() => await StartAsync();

    public async Task RestartAsync()
    {
        Admin.Dispose();
        await _host!.DisposeAsync();
        await StartAsync();
    }

    /// <summary>A client that trusts the cluster and sends a bearer token, or nothing.</summary>
    public HttpClient Client(string? token)
    {
        var client = new HttpClient(Handler()) { BaseAddress = _host!.ApiUrl };
        if (token is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return client;
    }

    public Task<Answer> Get(string path, string? accept = null) => Send(HttpMethod.Get, path, null, accept: accept);

    public Task<Answer> Post(string path, string json) => Send(HttpMethod.Post, path, json);

    public Task<Answer> Put(string path, string json) => Send(HttpMethod.Put, path, json);

    public Task<Answer> Delete(string path, string? json = null) => Send(HttpMethod.Delete, path, json);

    public Task<Answer> Patch(string path, string json, string type) => Send(HttpMethod.Patch, path, json, $"application/{type}");

    public Task<Answer> Apply(string path, string manager, string json, bool force = false) =>
        Send(HttpMethod.Patch, $"{path}{(path.Contains('?') ? '&' : '?')}fieldManager={manager}{(force ? "&force=true" : string.Empty)}", json, "application/apply-patch+yaml");

    public async Task<Answer> Send(HttpMethod method, string path, string? body, string type = "application/json", string? accept = null, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, type);
        }

        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        using var response = await (client ?? Admin).SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var json = text.StartsWith('{') ? JsonNode.Parse(text)!.AsObject() : [];
        return new Answer((int)response.StatusCode, json, text, response.Headers.TryGetValues("Warning", out var warnings) ? [.. warnings] : []);
    }

    /// <summary>Runs the real kubectl as the administrator.</summary>
    public async Task<(int ExitCode, string Output, string Errors)> Kubectl(string arguments, string? input = null)
    {
        var start = new ProcessStartInfo(Peer.Require("kubectl", "kubernetes-client"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["KUBECONFIG"] = Kubeconfig;
        start.Environment["HOME"] = Directory.Path;
        using var process = Process.Start(start)!;
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input);
        }

        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output, await errors);
    }

    public async ValueTask DisposeAsync()
    {
        Admin.Dispose();
        await _host!.DisposeAsync();
        Directory.Dispose();
    }

    private async Task StartAsync()
    {
        var options = new ClusterOptions { DataDirectory = Directory["data"], AuditLog = AuditLog };
        _host = await ClusterHost.StartAsync(options, withParts: false, TimeProvider.System, NullLoggerFactory.Instance);
        var handler = Handler();
        handler.SslOptions.ClientCertificates = [X509Certificate2.CreateFromPemFile(Directory["data/pki/admin.crt"], Directory["data/pki/admin.key"])];
        Admin = new HttpClient(handler) { BaseAddress = _host.ApiUrl };
    }

    private SocketsHttpHandler Handler()
    {
        var authority = X509CertificateLoader.LoadCertificateFromFile(Directory["data/pki/ca.crt"]);
        return new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        };
    }
}

/// <summary>An answer of the API.</summary>
public sealed record Answer(int Code, JsonObject Json, string Text, IReadOnlyList<string> Warnings)
{
    public string? Message => (string?)Json["message"];

    public string? Version => (string?)Json["metadata"]?["resourceVersion"];
}

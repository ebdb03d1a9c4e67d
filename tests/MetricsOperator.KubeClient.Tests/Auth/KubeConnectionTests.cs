using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.KubeClient.Tests.FakeApi;
using MetricsOperator.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.KubeClient.Tests.Auth;

/// <summary>Trust is what the kubeconfig says and nothing else: real handshakes over loopback.</summary>
public sealed class KubeConnectionTests : IDisposable
{
    private readonly TempDir _dir = new();
    private readonly X509Certificate2 _authority = Tls.Authority("right");
    private readonly X509Certificate2 _stranger = Tls.Authority("wrong");

    public void Dispose()
    {
        _dir.Dispose();
        _authority.Dispose();
        _stranger.Dispose();
    }

    [Fact]
    public async Task Server_signed_by_the_given_authority_is_trusted_over_http2()
    {
        await using var server = await ServeAsync(Tls.Issue(_authority, "api", address: IPAddress.Loopback));
        Assert.Equal("HTTP/2 none", await AskAsync(server, Inline(_authority)));
    }

    [Fact]
    public async Task Server_signed_by_anyone_else_is_refused()
    {
        await using var server = await ServeAsync(Tls.Issue(_stranger, "api", address: IPAddress.Loopback));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(server, Inline(_authority)));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(server, ""));
    }

    [Fact]
    public async Task Server_with_another_name_is_refused_unless_that_name_is_expected()
    {
        await using var server = await ServeAsync(Tls.Issue(_authority, "api", dnsName: "api.internal"));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(server, Inline(_authority)));
        Assert.Equal("HTTP/2 none", await AskAsync(server, Inline(_authority) + ", tls-server-name: api.internal"));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(server, Inline(_authority) + ", tls-server-name: api.other"));
    }

    [Fact]
    public async Task Verification_is_off_only_when_asked_for()
    {
        await using var server = await ServeAsync(Tls.Issue(_stranger, "api", dnsName: "elsewhere"));
        Assert.Equal("HTTP/2 none", await AskAsync(server, ", insecure-skip-tls-verify: true"));
    }

    [Fact]
    public async Task Client_certificate_is_presented()
    {
        using var client = Tls.Issue(_authority, "admin");
        await using var server = await ServeAsync(Tls.Issue(_authority, "api", address: IPAddress.Loopback));
        var user = $"{{client-certificate-data: {Base64(client.ExportCertificatePem())}, client-key-data: {Base64(Tls.KeyPem(client))}}}";
        Assert.Equal("HTTP/2 CN=admin", await AskAsync(server, Inline(_authority), user));
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string Inline(X509Certificate2 authority) => ", certificate-authority-data: " + Base64(authority.ExportCertificatePem());

    private static async Task<WebApplication> ServeAsync(X509Certificate2 certificate)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, o => o.UseHttps(new HttpsConnectionAdapterOptions
        {
            ServerCertificate = certificate,
            ClientCertificateMode = ClientCertificateMode.AllowCertificate,
            ClientCertificateValidation = (_, _, _) => true,
        })));
        var app = builder.Build();
        app.Run(context => context.Response.WriteAsync($"{context.Request.Protocol} {context.Connection.ClientCertificate?.Subject ?? "none"}"));
        await app.StartAsync();
        return app;
    }

    private async Task<string> AskAsync(WebApplication server, string clusterFields, string user = "{token: t}")
    {
        var file = _dir[Guid.NewGuid().ToString("N")];
        await File.WriteAllTextAsync(file, $$"""
            current-context: x
            clusters:
            - {name: c, cluster: {server: "{{server.Urls.First()}}"{{clusterFields}} } }
            users:
            - {name: u, user: {{user}} }
            contexts:
            - {name: x, context: {cluster: c, user: u} }
            """);
        using var connection = KubeConnection.FromKubeconfig(file);
        var client = new KubeRestClient(connection, new KubeRestClientOptions { MaxRetries = 0 });
        return Encoding.UTF8.GetString(await client.GetRawAsync("/version"));
    }
}

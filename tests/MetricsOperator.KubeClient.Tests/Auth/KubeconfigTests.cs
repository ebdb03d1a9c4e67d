using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Tests.FakeApi;
using MetricsOperator.TestKit;

namespace MetricsOperator.KubeClient.Tests.Auth;

public sealed class KubeconfigTests : IDisposable
{
    private readonly TempDir _dir = new();

    public void Dispose() => _dir.Dispose();

    [Fact]
    public void Current_context_leads_to_server_namespace_and_token()
    {
        var settings = Settings("""
            current-context: b
            clusters:
            - {name: one, cluster: {server: "https://one:6443"}}
            - {name: two, cluster: {server: "https://two:6443/prefix"}}
            users:
            - {name: u, user: {token: secret}}
            contexts:
            - {name: a, context: {cluster: one, user: u}}
            - {name: b, context: {cluster: two, user: u, namespace: team}}
            """);

        Assert.Equal("https://two:6443/prefix", settings.Server.ToString());
        Assert.Equal("team", settings.Namespace);
        Assert.Equal("secret", settings.Token.Current());
    }

    [Fact]
    public void Named_context_wins_over_current_and_its_namespace_defaults()
    {
        var settings = Kubeconfig.Merge([Write("c", Minimal)], true).Settings("other", TimeProvider.System);
        Assert.Equal("default", settings.Namespace);
        Assert.Null(settings.Token.Current());
    }

    [Fact]
    public void Of_several_files_the_first_wins_per_name_and_missing_ones_are_passed_over()
    {
        var first = Write("a/first", """
            clusters:
            - {name: c, cluster: {server: "https://first"}}
            users:
            - {name: u, user: {tokenFile: tok}}
            """);
        var second = Write("b/second", """
            current-context: x
            clusters:
            - {name: c, cluster: {server: "https://second"}}
            contexts:
            - {name: x, context: {cluster: c, user: u}}
            """);
        Write("a/tok", "from-first\n");

        var settings = Kubeconfig.Merge([_dir["nowhere"], first, second], false).Settings(null, TimeProvider.System);

        Assert.Equal("first", settings.Server.Host);
        Assert.Equal("from-first", settings.Token.Current());
    }

    [Fact]
    public void Inline_certificates_win_over_files_and_relative_paths_start_at_the_file()
    {
        using var authority = Tls.Authority("ca");
        using var other = Tls.Authority("other");
        using var client = Tls.Issue(authority, "admin");
        Write("pki/ca.crt", other.ExportCertificatePem());
        Write("pki/client.crt", client.ExportCertificatePem() + "\n" + authority.ExportCertificatePem());
        Write("pki/client.key", Tls.KeyPem(client));
        var inline = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(authority.ExportCertificatePem()));

        var settings = Settings($$"""
            current-context: x
            clusters:
            - name: c
              cluster: {server: "https://h", certificate-authority: pki/ca.crt, certificate-authority-data: {{inline}}, tls-server-name: api.local}
            users:
            - {name: u, user: {client-certificate: pki/client.crt, client-key: pki/client.key} }
            contexts:
            - {name: x, context: {cluster: c, user: u} }
            """);

        Assert.Equal(authority.Thumbprint, Assert.Single(settings.CertificateAuthority!).Thumbprint);
        Assert.Equal(client.Thumbprint, settings.ClientCertificate!.Thumbprint);
        Assert.True(settings.ClientCertificate.HasPrivateKey);
        Assert.Equal(authority.Thumbprint, Assert.Single(settings.ClientCertificateChain!).Thumbprint);
        Assert.Equal("api.local", settings.TlsServerName);
    }

    [Fact]
    public void What_cannot_be_used_is_named_with_file_and_field()
    {
        Refused("users[u].user.exec: credential plugins are not supported", Minimal.Replace("{token: t}", "{exec: {command: aws}}"));
        Refused("users[u].user.auth-provider: credential plugins", Minimal.Replace("{token: t}", "{auth-provider: {name: gcp}}"));
        Refused("users[u].user.username: basic authentication", Minimal.Replace("{token: t}", "{username: a, password: b}"));
        Refused("got no server", Minimal.Replace("server:", "sever:"));
        Refused("want an http or https URL", Minimal.Replace("https://h", "ftp://h"));
        Refused("cannot find user \"u\"", Minimal.Replace("- {name: u,", "- {name: v,"));
        Refused("cannot find cluster \"c\"", Minimal.Replace("- {name: c,", "- {name: d,"));
        Refused("cannot find context \"zz\"", Minimal.Replace("current-context: x", "current-context: zz"));
        Refused("got no current-context", Minimal.Replace("current-context: x", "current-context: \"\""));
        Refused("want both", Minimal.Replace("{token: t}", "{client-certificate-data: AAAA}"));
        Refused("certificate-authority", Minimal.Replace("server: \"https://h\"", "server: \"https://h\", certificate-authority: nowhere.crt"));
        Refused("certificate-authority-data: got no base64", Minimal.Replace("server: \"https://h\"", "server: \"https://h\", certificate-authority-data: \"%%\""));
        Refused("got no certificate", Minimal.Replace("server: \"https://h\"", "server: \"https://h\", certificate-authority-data: aGk="));
        Refused("want true or false", Minimal.Replace("server: \"https://h\"", "server: \"https://h\", insecure-skip-tls-verify: maybe"));
        Refused("at line ", "clusters:\n- {name: [");
        Refused("got no mapping", "- a");
    }

    [Fact]
    public void File_that_must_exist_and_does_not_is_named()
        => Assert.Contains(_dir["none"], Assert.Throws<KubeConfigException>(() => KubeConnection.FromKubeconfig(_dir["none"])).Message, StringComparison.Ordinal);

    [Fact]
    public void Pod_reads_its_service_account_folder()
    {
        using var authority = Tls.Authority("ca");
        Write("sa/token", "t1");
        Write("sa/namespace", "metrics\n");
        Write("sa/ca.crt", authority.ExportCertificatePem());
        var environment = new Dictionary<string, string?>
        {
            ["KUBERNETES_SERVICE_HOST"] = "::1",
            ["KUBERNETES_SERVICE_PORT"] = "6443",
            ["KUBERNETES_SERVICE_ACCOUNT_DIR"] = _dir["sa"],
        };

        Assert.True(InClusterEnvironment.IsPod(environment.GetValueOrDefault));
        var settings = InClusterEnvironment.Settings(environment.GetValueOrDefault, TimeProvider.System);

        Assert.Equal("https://[::1]:6443/", settings.Server.ToString());
        Assert.Equal("metrics", settings.Namespace);
        Assert.Equal("t1", settings.Token.Current());
        environment.Remove("KUBERNETES_SERVICE_PORT");
        Assert.Throws<KubeConfigException>(() => InClusterEnvironment.Settings(environment.GetValueOrDefault, TimeProvider.System));
    }

    [Fact]
    public void Token_file_is_read_again_after_a_minute_or_when_refused()
    {
        var clock = new FakeTimeProvider();
        var file = Write("token", "one");
        var token = new BearerToken(null, file, clock);
        Assert.Equal("one", token.Current());

        File.WriteAllText(file, "two\n");
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal("one", token.Current());
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("two", token.Current());

        Assert.False(token.Refresh("two"));
        File.WriteAllText(file, "three");
        Assert.True(token.Refresh("two"));
        Assert.Equal("three", token.Current());

        // Between removal and rewrite the last token stays in use.
        File.Delete(file);
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("three", token.Current());
        Assert.Throws<KubeConfigException>(() => new BearerToken(null, file, clock).Current());
    }

    private const string Minimal = """
        current-context: x
        clusters:
        - {name: c, cluster: {server: "https://h"}}
        users:
        - {name: u, user: {token: t}}
        contexts:
        - {name: x, context: {cluster: c, user: u}}
        - {name: other, context: {cluster: c}}
        """;

    private void Refused(string want, string yaml)
    {
        var e = Assert.Throws<KubeConfigException>(() => Settings(yaml));
        Assert.Contains(want, e.Message, StringComparison.Ordinal);
        Assert.Contains(_dir.Path, e.Message, StringComparison.Ordinal);
    }

    private ConnectionSettings Settings(string yaml) => Kubeconfig.Merge([Write("config", yaml)], true).Settings(null, TimeProvider.System);

    private string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_dir[name])!);
        File.WriteAllText(_dir[name], text);
        return _dir[name];
    }
}


namespace MetricsOperator.Server.Config;

/// <summary>Reads the HTTP client options that stand directly in a scrape configuration.</summary>
internal static class HttpConfigReader
{
    public static readonly string[] Fields = ["basic_auth", "authorization", "tls_config", "follow_redirects", "enable_http2", "bearer_token", "bearer_token_file"];

    public static readonly string[] Later = ["oauth2", "proxy_url", "no_proxy", "proxy_from_environment", "proxy_connect_header", "http_headers"];

    private static readonly HashSet<string> TlsFields =
    [
        "ca", "ca_file", "cert", "cert_file", "key", "key_file", "server_name", "insecure_skip_verify",
    ];

    public static HttpClientConfig Read(ConfigFields fields, string folder)
    {
        var basic = fields.Read("basic_auth", null, n => ReadBasicAuth(n, folder));
        var authorization = fields.Read("authorization", null, n => ReadAuthorization(n, folder)) ?? ReadBearer(fields, folder);
        if (basic is not null && authorization is not null)
        {
            throw fields.Error("basic_auth", "at most one of basic_auth, authorization and bearer_token must be configured");
        }

        return new HttpClientConfig
        {
            BasicAuth = basic,
            Authorization = authorization,
            Tls = fields.Read("tls_config", new TlsConfig(), n => ReadTls(n, folder)),
            FollowRedirects = fields.Bool("follow_redirects", true),
            EnableHttp2 = fields.Bool("enable_http2", true),
        };
    }

    /// <summary>Makes a file name absolute; an empty one stays empty.</summary>
    public static string Absolute(string file, string folder) => file.Length == 0 ? file : Path.GetFullPath(file, Path.GetFullPath(folder));

    private static BasicAuthConfig? ReadBasicAuth(ConfigNode node, string folder)
    {
        var fields = node.AsFields("basic_auth", ["username", "username_file", "password", "password_file"]);
        var auth = new BasicAuthConfig(
            fields.String("username"),
            Absolute(fields.String("username_file"), folder),
            fields.String("password"),
            Absolute(fields.String("password_file"), folder));
        if (auth.Username.Length > 0 && auth.UsernameFile.Length > 0)
        {
            throw fields.Error("username_file", "at most one of username and username_file must be configured");
        }

        return auth.Password.Length > 0 && auth.PasswordFile.Length > 0
            ? throw fields.Error("password_file", "at most one of password and password_file must be configured")
            : auth;
    }

    private static AuthorizationConfig? ReadAuthorization(ConfigNode node, string folder)
    {
        var fields = node.AsFields("authorization", ["type", "credentials", "credentials_file"]);
        var type = fields.String("type").Trim();
        if (string.Equals(type, "basic", StringComparison.OrdinalIgnoreCase))
        {
            throw fields.Error("type", "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
        }

        return Authorization(fields, type.Length == 0 ? "Bearer" : type, "credentials", folder);
    }

    private static AuthorizationConfig? ReadBearer(ConfigFields fields, string folder) =>
        fields.Has("bearer_token") || fields.Has("bearer_token_file") ? Authorization(fields, "Bearer", "bearer_token", folder) : null;

    private static AuthorizationConfig Authorization(ConfigFields fields, string type, string field, string folder)
    {
        var auth = new AuthorizationConfig(type, fields.String(field), Absolute(fields.String(field + "_file"), folder));
        return auth.Credentials.Length > 0 && auth.CredentialsFile.Length > 0
            ? throw fields.Error(field + "_file", $"at most one of {field} and {field}_file must be configured")
            : auth;
    }

    private static TlsConfig ReadTls(ConfigNode node, string folder)
    {
        var fields = node.AsFields("tls_config", TlsFields, ["min_version", "max_version"]);
        var tls = new TlsConfig
        {
            Ca = fields.String("ca"),
            CaFile = Absolute(fields.String("ca_file"), folder),
            Cert = fields.String("cert"),
            CertFile = Absolute(fields.String("cert_file"), folder),
            Key = fields.String("key"),
            KeyFile = Absolute(fields.String("key_file"), folder),
            ServerName = fields.String("server_name"),
            InsecureSkipVerify = fields.Bool("insecure_skip_verify"),
        };
        foreach (var (inline, file, name) in new[] { (tls.Ca, tls.CaFile, "ca"), (tls.Cert, tls.CertFile, "cert"), (tls.Key, tls.KeyFile, "key") })
        {
            if (inline.Length > 0 && file.Length > 0)
            {
                throw fields.Error(name + "_file", $"at most one of {name} and {name}_file must be configured");
            }
        }

        return (tls.Cert.Length + tls.CertFile.Length > 0) == (tls.Key.Length + tls.KeyFile.Length > 0)
            ? tls
            : throw fields.Error("cert_file", "a client certificate needs both a certificate and a key");
    }
}

using System.Security.Cryptography.X509Certificates;

namespace MetricsOperator.KubeClient.Auth;

/// <summary>Where the API server is and as whom to talk to it. Owns the connection pool; dispose it after the last client.</summary>
public sealed class KubeConnection : IDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly BearerToken _token;
    private readonly Uri _requestBase;

    internal KubeConnection(ConnectionSettings settings, HttpMessageHandler? handler = null)
    {
        Server = settings.Server;
        Namespace = settings.Namespace;
        _token = settings.Token;
        _requestBase = ConnectionPool.RequestBase(settings);
        _http = new HttpMessageInvoker(handler ?? ConnectionPool.CreateHandler(settings));
    }

    /// <summary>Base address, for example <c>https://10.0.0.1:443/</c>.</summary>
    public Uri Server { get; }

    /// <summary>Namespace of the context or pod; <c>default</c> when none is given.</summary>
    public string Namespace { get; }

    /// <summary>Reads kubeconfig files with kubectl's rules.</summary>
    /// <param name="path">One file; null takes the list in <c>KUBECONFIG</c>, else <c>~/.kube/config</c>.</param>
    /// <param name="context">Null takes current-context.</param>
    /// <exception cref="KubeConfigException">A file is missing or does not say enough.</exception>
    public static KubeConnection FromKubeconfig(string? path = null, string? context = null)
        => new(Kubeconfig.Load(path).Settings(context, TimeProvider.System));

    /// <summary>The pod's service account: <c>/var/run/secrets/kubernetes.io/serviceaccount</c> (or the folder in <c>KUBERNETES_SERVICE_ACCOUNT_DIR</c>) and <c>KUBERNETES_SERVICE_HOST/PORT</c>.</summary>
    /// <exception cref="KubeConfigException">This is not a pod.</exception>
    public static KubeConnection InCluster() => new(InClusterEnvironment.Settings(Environment.GetEnvironmentVariable, TimeProvider.System));

    /// <summary>In a pod the service account, elsewhere (or when a path or context is given) the kubeconfig.</summary>
    /// <exception cref="KubeConfigException">Neither can be used.</exception>
    public static KubeConnection Default(string? path = null, string? context = null)
        => path is null && context is null && InClusterEnvironment.IsPod(Environment.GetEnvironmentVariable) ? InCluster() : FromKubeconfig(path, context);

    /// <summary>A server known by other means.</summary>
    /// <param name="server">http or https.</param>
    /// <param name="bearerToken">Null for none.</param>
    /// <param name="certificateAuthorityPem">The only roots to trust; null trusts the machine's.</param>
    public static KubeConnection ToServer(Uri server, string? bearerToken = null, string? certificateAuthorityPem = null)
    {
        X509Certificate2Collection? roots = null;
        if (certificateAuthorityPem is not null)
        {
            roots = [];
            roots.ImportFromPem(certificateAuthorityPem);
        }

        return new(new ConnectionSettings
        {
            Server = server,
            CertificateAuthority = roots,
            Token = new BearerToken(bearerToken, null, TimeProvider.System),
        });
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Sends one request once. On 401 a token that was renewed meanwhile gets one more try.</summary>
    /// <param name="create">Makes the request for a URI; called again for the second try.</param>
    /// <param name="pathAndQuery">Absolute path of the API.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    internal async Task<HttpResponseMessage> SendAsync(Func<Uri, HttpRequestMessage> create, string pathAndQuery, CancellationToken cancellation)
    {
        var uri = Join(_requestBase, pathAndQuery);
        var token = _token.Current();
        var response = await AttemptAsync(create(uri), token, cancellation).ConfigureAwait(false);
        if (response.StatusCode == System.Net.HttpStatusCode.Unauthorized && _token.Refresh(token))
        {
            response.Dispose();
            response = await AttemptAsync(create(uri), _token.Current(), cancellation).ConfigureAwait(false);
        }

        return response;
    }

    private static Uri Join(Uri root, string pathAndQuery)
    {
        var prefix = root.AbsolutePath.TrimEnd('/');
        return new Uri(root, prefix + pathAndQuery);
    }

    private async Task<HttpResponseMessage> AttemptAsync(HttpRequestMessage request, string? token, CancellationToken cancellation)
    {
        if (request.RequestUri!.Scheme == Uri.UriSchemeHttps)
        {
            request.Version = System.Net.HttpVersion.Version20;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        }

        if (token is not null)
        {
            request.Headers.Authorization = new("Bearer", token);
        }

        try
        {
            return await _http.SendAsync(request, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            // The handler reports its own connect time limit as a cancellation that nobody asked for.
            throw new TimeoutException($"cannot connect to {Server.Authority}: {e.Message}", e);
        }
    }
}

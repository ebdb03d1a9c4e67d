using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.Cli.Local;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Cli.Up;

/// <summary>What <c>metricsctl up</c> asks of the cluster: apply manifests of any kind and look at a few objects.</summary>
internal sealed class WorldClient : IDisposable
{
    private const string FieldManager = "metricsctl";

    private readonly KubeConnection _connection;
    private readonly KubeRestClient _client;
    private readonly Dictionary<string, IReadOnlyList<ApiResource>> _discovered = [];

    public WorldClient(string kubeconfig)
    {
        _connection = KubeConnection.FromKubeconfig(kubeconfig);
        _client = new KubeRestClient(_connection);
    }

    /// <summary>Applies a manifest server-side and returns <c>kind/name</c> in kubectl's notation.</summary>
    /// <exception cref="LocalWorldException">The server refuses it; the message is the server's.</exception>
    public async Task<string> ApplyAsync(JsonObject manifest, CancellationToken cancellation)
    {
        var kind = manifest["kind"]!.GetValue<string>();
        var name = manifest["metadata"]?["name"]?.GetValue<string>() ?? throw new LocalWorldException($"{kind}: metadata.name is missing");
        var path = await PathOfAsync(manifest["apiVersion"]!.GetValue<string>(), kind, manifest["metadata"]?["namespace"]?.GetValue<string>() ?? "default", cancellation).ConfigureAwait(false);
        try
        {
            await _client.SendRawAsync(
                HttpMethod.Patch,
                $"{path}/{name}?fieldManager={FieldManager}&force=true&fieldValidation=Strict",
                JsonSerializer.SerializeToUtf8Bytes(manifest),
                "application/apply-patch+yaml",
                cancellation).ConfigureAwait(false);
        }
        catch (KubeApiException e)
        {
            throw new LocalWorldException($"cannot apply {kind} {name}: {e.Message}", e);
        }

        return $"{kind.ToLowerInvariant()}/{name}";
    }

    /// <summary>An object by its API path, or null.</summary>
    public async Task<JsonNode?> FindAsync(string path, CancellationToken cancellation)
    {
        try
        {
            return JsonNode.Parse(await _client.GetRawAsync(path, cancellation).ConfigureAwait(false));
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Forgets what discovery said; needed after new definitions are installed.</summary>
    public void ForgetDiscovery() => _discovered.Clear();

    public void Dispose() => _connection.Dispose();

    private async Task<string> PathOfAsync(string apiVersion, string kind, string ns, CancellationToken cancellation)
    {
        if (!_discovered.TryGetValue(apiVersion, out var resources))
        {
            try
            {
                resources = await _client.DiscoverAsync(apiVersion, cancellation).ConfigureAwait(false);
            }
            catch (KubeApiException e) when (e.IsNotFound)
            {
                throw new LocalWorldException($"the cluster does not serve {apiVersion}, which {kind} needs", e);
            }

            _discovered[apiVersion] = resources;
        }

        var resource = resources.FirstOrDefault(r => r.Kind == kind && !r.Name.Contains('/', StringComparison.Ordinal))
            ?? throw new LocalWorldException($"the cluster has no kind {kind} in {apiVersion}");
        var root = apiVersion.Contains('/', StringComparison.Ordinal) ? "apis/" + apiVersion : "api/" + apiVersion;
        return resource.Namespaced ? $"{root}/namespaces/{ns}/{resource.Name}" : $"{root}/{resource.Name}";
    }
}

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Security;

/// <summary>Service account tokens: signed JWTs (ES256) that end with their time, their service account and the pod they are bound to.</summary>
internal sealed class ServiceAccountTokens(ECDsa key, ObjectStore store, TimeProvider time)
{
    public const string Audience = "https://kubernetes.default.svc.cluster.local";
    private static readonly string Header = Base64Url.EncodeToString("""{"alg":"ES256","typ":"JWT"}"""u8);

    /// <summary>Issues a token; the pod is null for a token that is not bound.</summary>
    /// <exception cref="ApiStatusException">404 when the service account does not exist.</exception>
    public (string Token, DateTimeOffset Expires) Issue(string ns, string account, TimeSpan lifetime, (string Name, string Uid)? pod = null, IReadOnlyList<string>? audiences = null)
    {
        var owner = store.Get("serviceaccounts", new ObjectKey(ns, account)) ?? throw ApiErrors.NotFound(string.Empty, "serviceaccounts", account);
        var now = time.GetUtcNow();
        var expires = now + lifetime;
        var binding = new JsonObject
        {
            ["namespace"] = ns,
            ["serviceaccount"] = new JsonObject { ["name"] = account, ["uid"] = owner.Value.UidOf() },
        };
        if (pod is { } bound)
        {
            binding["pod"] = new JsonObject { ["name"] = bound.Name, ["uid"] = bound.Uid };
        }

        var claims = new JsonObject
        {
            ["aud"] = JsonAccess.StringArray(audiences is { Count: > 0 } ? audiences : [Audience]),
            ["exp"] = expires.ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["iss"] = Audience,
            ["jti"] = Guid.NewGuid().ToString(),
            ["kubernetes.io"] = binding,
            ["nbf"] = now.ToUnixTimeSeconds(),
            ["sub"] = $"system:serviceaccount:{ns}:{account}",
        };
        var body = $"{Header}.{Base64Url.EncodeToString(JsonDocuments.ToBytes(claims))}";
        var signature = key.SignData(Encoding.ASCII.GetBytes(body), HashAlgorithmName.SHA256);
        return ($"{body}.{Base64Url.EncodeToString(signature)}", expires);
    }

    /// <summary>Whose token it is, or null when it is not good (any more).</summary>
    public UserIdentity? Validate(string token, out IReadOnlyList<string> audiences)
    {
        audiences = [];
        if (Claims(token) is not { } claims || claims.LongAt("exp") is not { } expires || expires <= time.GetUtcNow().ToUnixTimeSeconds())
        {
            return null;
        }

        var binding = claims.ObjectAt("kubernetes.io");
        var ns = binding.StringAt("namespace") ?? string.Empty;
        var account = binding.StringAt("serviceaccount", "name") ?? string.Empty;
        var uid = binding.StringAt("serviceaccount", "uid") ?? string.Empty;
        if (store.Get("serviceaccounts", new ObjectKey(ns, account))?.Value.UidOf() != uid)
        {
            return null;
        }

        var extra = new Dictionary<string, string>(StringComparer.Ordinal);
        if (binding.ObjectAt("pod") is { } pod)
        {
            if (store.Get("pods", new ObjectKey(ns, pod.StringAt("name") ?? string.Empty))?.Value.UidOf() != pod.StringAt("uid"))
            {
                return null;
            }

            extra["authentication.kubernetes.io/pod-name"] = pod.StringAt("name")!;
            extra["authentication.kubernetes.io/pod-uid"] = pod.StringAt("uid")!;
        }

        audiences = claims.StringsAt("aud");
        return new UserIdentity($"system:serviceaccount:{ns}:{account}", ["system:serviceaccounts", $"system:serviceaccounts:{ns}", "system:authenticated"], uid, extra);
    }

    private JsonObject? Claims(string token)
    {
        var parts = token.Split('.');
        if (parts.Length != 3 || !Base64Url.IsValid(parts[1]) || !Base64Url.IsValid(parts[2]))
        {
            return null;
        }

        var signed = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
        if (!key.VerifyData(signed, Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256))
        {
            return null;
        }

        return JsonDocuments.TryParseObject(Base64Url.DecodeFromChars(parts[1]));
    }
}

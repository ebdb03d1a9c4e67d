using System.Security.Cryptography.X509Certificates;
using MetricsOperator.LocalCluster.Store;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.LocalCluster.Security;

/// <summary>Finds out who makes a request: by client certificate or bearer token; without either it is the anonymous user.</summary>
internal sealed class Authenticator(ClusterCertificates certificates, ServiceAccountTokens tokens, TimeProvider time)
{
    private static readonly object IdentityKey = new();

    /// <exception cref="ApiStatusException">401 for credentials that are not good.</exception>
    public UserIdentity Authenticate(HttpContext http)
    {
        var header = http.Request.Headers.Authorization.ToString();
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return tokens.Validate(header[7..].Trim(), out var audiences) is { } user && audiences.Contains(ServiceAccountTokens.Audience) ? user : throw ApiErrors.Unauthorized();
        }

        return http.Connection.ClientCertificate is { } certificate ? OfCertificate(http, certificate) : UserIdentity.Anonymous;
    }

    private UserIdentity OfCertificate(HttpContext http, X509Certificate2 certificate)
    {
        // Checked once per connection: the items of the connection live as long as it does.
        var connection = http.Features.Get<Microsoft.AspNetCore.Connections.Features.IConnectionItemsFeature>();
        if (connection is not null && connection.Items.TryGetValue(IdentityKey, out var known) && known is UserIdentity identity)
        {
            return identity;
        }

        if (!certificates.Trusts(certificate, time.GetUtcNow()))
        {
            throw ApiErrors.Unauthorized();
        }

        var groups = new List<string>();
        var name = string.Empty;
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            switch (part.GetSingleElementType().Value)
            {
                case "2.5.4.3":
                    name = part.GetSingleElementValue() ?? string.Empty;
                    break;
                case "2.5.4.10":
                    groups.Add(part.GetSingleElementValue() ?? string.Empty);
                    break;
            }
        }

        identity = new UserIdentity(name, [.. groups, "system:authenticated"]);
        if (connection is not null)
        {
            connection.Items[IdentityKey] = identity;
        }

        return identity;
    }
}

using Microsoft.AspNetCore.Http;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>The form a client wants objects in.</summary>
internal enum ObjectForm
{
    Full,
    Table,
    PartialMetadata,
}

/// <summary>Reads the Accept header: the first JSON form that is on offer.</summary>
internal static class ResponseFormat
{
    /// <exception cref="Store.ApiStatusException">406 when no JSON form is accepted.</exception>
    public static ObjectForm Negotiate(HttpRequest request)
    {
        foreach (var (type, parameters) in Accepted(request))
        {
            if (!IsJson(type))
            {
                continue;
            }

            if (!parameters.TryGetValue("as", out var form))
            {
                return ObjectForm.Full;
            }

            if (parameters.GetValueOrDefault("g") == "meta.k8s.io" && parameters.GetValueOrDefault("v") is "v1" or "v1beta1")
            {
                switch (form)
                {
                    case "Table":
                        return ObjectForm.Table;
                    case "PartialObjectMetadata" or "PartialObjectMetadataList":
                        return ObjectForm.PartialMetadata;
                }
            }
        }

        throw Store.ApiErrors.NotAcceptable("application/json");
    }

    /// <summary>Whether the client takes aggregated discovery (v2) rather than the older documents.</summary>
    public static bool WantsAggregatedDiscovery(HttpRequest request)
    {
        foreach (var (type, parameters) in Accepted(request))
        {
            if (IsJson(type))
            {
                return parameters.GetValueOrDefault("as") == "APIGroupDiscoveryList" && parameters.GetValueOrDefault("v") == "v2";
            }
        }

        return false;
    }

    /// <summary>Media types with their parameters in the order given; everything when there is no header.</summary>
    public static IEnumerable<(string Type, Dictionary<string, string> Parameters)> Accepted(HttpRequest request)
    {
        var header = request.Headers.Accept.ToString();
        if (header.Length == 0)
        {
            yield return ("*/*", []);
            yield break;
        }

        foreach (var entry in header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry.Split(';', StringSplitOptions.TrimEntries);
            var parameters = parts[1..].Select(p => p.Split('=', 2)).Where(p => p.Length == 2).ToDictionary(p => p[0], p => p[1], StringComparer.Ordinal);
            yield return (parts[0], parameters);
        }
    }

    private static bool IsJson(string type) => type is "application/json" or "*/*" or "application/*";
}

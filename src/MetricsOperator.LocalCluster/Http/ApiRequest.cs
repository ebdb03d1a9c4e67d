using System.Globalization;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Security;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.LocalCluster.Writes;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>An authenticated request on its way through the endpoints, with what the audit log wants to know at the end.</summary>
internal sealed class ApiRequest(HttpContext http, RequestInfo info, UserIdentity user)
{
    public HttpContext Http => http;

    public RequestInfo Info => info;

    public UserIdentity User => user;

    /// <summary>Set once the resource is known to exist.</summary>
    public ResourceDefinition Definition { get; set; } = null!;

    /// <summary>Name of the object written, when the server made it up.</summary>
    public string WrittenName { get; set; } = info.Name;

    public long RevisionBefore { get; set; }

    public long RevisionAfter { get; set; }

    public CancellationToken Aborted => http.RequestAborted;

    /// <summary>Namespace of the objects; null for all, or for cluster-scoped resources.</summary>
    public string? Namespace => Definition.Namespaced && info.Namespace.Length > 0 ? info.Namespace : null;

    public string? Query(string name) => http.Request.Query.TryGetValue(name, out var value) && value.ToString().Length > 0 ? value.ToString() : null;

    public bool Flag(string name) => Query(name) is "true" or "1" or "True";

    public long? Number(string name) => Query(name) is not { } text
        ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw ApiErrors.BadRequest($"invalid {name}: got {text}, want an integer");

    /// <summary>Options of a write from the query and the user agent.</summary>
    public WriteOptions WriteOptions(string subresource, IReadOnlyList<string>? duplicates = null)
    {
        var agent = http.Request.Headers.UserAgent.ToString();
        var slash = agent.IndexOf('/', StringComparison.Ordinal);
        return new WriteOptions
        {
            Manager = Query("fieldManager") ?? (slash >= 0 ? agent[..slash] : agent),
            Subresource = subresource,
            DryRun = IsDryRun(),
            Force = Flag("force"),
            Validation = Query("fieldValidation") switch
            {
                null or "Warn" => FieldValidation.Warn,
                "Strict" => FieldValidation.Strict,
                "Ignore" => FieldValidation.Ignore,
                var other => throw ApiErrors.BadRequest($"fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\""),
            },
            DuplicateFields = duplicates ?? [],
        };
    }

    public bool IsDryRun() => Query("dryRun") switch
    {
        null => false,
        "All" => true,
        var other => throw ApiErrors.BadRequest($"dryRun: Unsupported value: \"{other}\": supported values: \"All\""),
    };

    /// <summary>Remembers what a write did.</summary>
    public void Wrote(WriteResult result)
    {
        RevisionBefore = result.Before;
        RevisionAfter = result.After;
        WrittenName = Json.JsonAccess.NameOf(result.Object);
    }

    public void Warn(string text) => http.Response.Headers.Append("Warning", $"299 - \"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
}

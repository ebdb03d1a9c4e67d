using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>A request that the API refuses; carries what a Kubernetes <c>Status</c> object says.</summary>
public sealed class ApiStatusException : Exception
{
    public ApiStatusException(int code, string reason, string message, JsonObject? details = null)
        : base(message)
    {
        Code = code;
        Reason = reason;
        Details = details;
    }

    /// <summary>HTTP status code.</summary>
    public int Code { get; }

    /// <summary>Machine readable cause: NotFound, AlreadyExists, Conflict, Invalid, Forbidden, Expired, ...</summary>
    public string Reason { get; }

    /// <summary>The <c>details</c> of the Status (name, group, kind, causes), or null.</summary>
    public JsonObject? Details { get; }

    public bool IsNotFound => Reason == "NotFound";

    public bool IsConflict => Reason == "Conflict";

    public bool IsAlreadyExists => Reason == "AlreadyExists";
}

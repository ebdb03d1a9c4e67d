using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>The refusals of the API, worded as Kubernetes words them. <c>resource</c> is a plural, qualified with the group where it has one (<c>deployments.apps</c>).</summary>
internal static class ApiErrors
{
    public static ApiStatusException NotFound(string group, string plural, string name) =>
        new(404, "NotFound", $"{Qualified(plural, group)} \"{name}\" not found", Details(group, plural, name));

    public static ApiStatusException UnknownPath() => new(404, "NotFound", "the server could not find the requested resource", new JsonObject());

    public static ApiStatusException AlreadyExists(string group, string plural, string name) =>
        new(409, "AlreadyExists", $"{Qualified(plural, group)} \"{name}\" already exists", Details(group, plural, name));

    public static ApiStatusException Conflict(string group, string plural, string name, string why) =>
        new(409, "Conflict", $"Operation cannot be fulfilled on {Qualified(plural, group)} \"{name}\": {why}", Details(group, plural, name));

    public static ApiStatusException Modified(string group, string plural, string name) =>
        Conflict(group, plural, name, "the object has been modified; please apply your changes to the latest version and try again");

    public static ApiStatusException BadRequest(string message) => new(400, "BadRequest", message);

    public static ApiStatusException Expired(string message) => new(410, "Expired", message);

    public static ApiStatusException MethodNotAllowed() => new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", new JsonObject());

    public static ApiStatusException NotAcceptable(string accepted) =>
        new(406, "NotAcceptable", $"only the following media types are accepted: {accepted}");

    public static ApiStatusException UnsupportedMediaType(string got, string accepted) =>
        new(415, "UnsupportedMediaType", $"the body of the request was in an unknown format - accepted media types include: {accepted} (got {got})");

    public static ApiStatusException Forbidden(string group, string plural, string name, string why)
    {
        var what = name.Length == 0 ? Qualified(plural, group) : $"{Qualified(plural, group)} \"{name}\"";
        return new ApiStatusException(403, "Forbidden", $"{what} is forbidden: {why}", Details(group, plural, name));
    }

    public static ApiStatusException Unauthorized() => new(401, "Unauthorized", "Unauthorized");

    public static ApiStatusException FutureVersion(long asked, long current)
    {
        var details = new JsonObject
        {
            ["causes"] = new JsonArray(new JsonObject { ["reason"] = "ResourceVersionTooLarge", ["message"] = "Too large resource version" }),
            ["retryAfterSeconds"] = 1,
        };
        return new ApiStatusException(
            504,
            "Timeout",
            string.Create(CultureInfo.InvariantCulture, $"Timeout: Too large resource version: {asked}, current: {current}"),
            details);
    }

    /// <summary>The Status document of an error.</summary>
    public static JsonObject ToStatus(ApiStatusException error)
    {
        var status = new JsonObject
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = error.Message,
            ["reason"] = error.Reason,
        };
        if (error.Details is not null)
        {
            status["details"] = error.Details.Copy();
        }

        status["code"] = error.Code;
        return status;
    }

    public static JsonObject Details(string group, string plural, string name)
    {
        var details = new JsonObject();
        if (name.Length > 0)
        {
            details["name"] = name;
        }

        if (group.Length > 0)
        {
            details["group"] = group;
        }

        details["kind"] = plural;
        return details;
    }

    /// <summary><c>deployments.apps</c>; the plain plural for the core group.</summary>
    public static string Qualified(string plural, string group) => group.Length == 0 ? plural : $"{plural}.{group}";
}

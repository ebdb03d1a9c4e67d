using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Schemas;

/// <summary>One thing wrong with an object, at a path such as <c>spec.jobs[1].name</c>.</summary>
/// <param name="Reason">FieldValueInvalid, FieldValueRequired, ...</param>
/// <param name="Field">The path.</param>
/// <param name="Body">What is wrong, as Kubernetes prints it after the path.</param>
internal sealed record FieldError(string Reason, string Field, string Body)
{
    public static FieldError Invalid(string field, JsonNode? value, string detail) => new("FieldValueInvalid", field, $"Invalid value: {Show(value)}: {detail}");

    /// <summary>A wrong JSON type; the value shown is the type found.</summary>
    public static FieldError WrongType(string field, string found, string wanted) =>
        new("FieldValueTypeInvalid", field, $"Invalid value: \"{found}\": {field} in body must be of type {wanted}: \"{found}\"");

    public static FieldError Required(string field, string detail = "") => new("FieldValueRequired", field, detail.Length == 0 ? "Required value" : $"Required value: {detail}");

    public static FieldError NotSupported(string field, JsonNode? value, IEnumerable<string> supported) =>
        new("FieldValueNotSupported", field, $"Unsupported value: {Show(value)}: supported values: {string.Join(", ", supported.Select(s => $"\"{s}\""))}");

    public static FieldError Duplicate(string field, JsonNode? value) => new("FieldValueDuplicate", field, $"Duplicate value: {Show(value)}");

    public static FieldError Forbidden(string field, string detail) => new("FieldValueForbidden", field, $"Forbidden: {detail}");

    public static FieldError TooLong(string field, long limit) => new("FieldValueTooLong", field, $"Too long: may not be more than {limit} bytes");

    public static FieldError TooMany(string field, long count, long limit) => new("FieldValueTooMany", field, $"Too many: {count}: must have at most {limit} items");

    /// <summary>The 422 answer for all errors of an object.</summary>
    public static ApiStatusException ToException(string group, string kind, string name, IReadOnlyList<FieldError> errors)
    {
        var all = errors.Select(e => $"{e.Field}: {e.Body}").ToArray();
        var text = all.Length == 1 ? all[0] : $"[{string.Join(", ", all)}]";
        var details = ApiErrors.Details(group, kind, name);
        details["causes"] = new JsonArray([.. errors.Select(e => (JsonNode)new JsonObject { ["reason"] = e.Reason, ["message"] = e.Body, ["field"] = e.Field })]);
        return new ApiStatusException(422, "Invalid", $"{ApiErrors.Qualified(kind, group)} \"{name}\" is invalid: {text}", details);
    }

    private static string Show(JsonNode? value) => JsonDocuments.ToText(value);
}

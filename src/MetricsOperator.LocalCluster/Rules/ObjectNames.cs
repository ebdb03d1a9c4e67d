using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>Syntax of names, labels and annotations, worded as Kubernetes words it.</summary>
internal static partial class ObjectNames
{
    private const string SubdomainPattern = @"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
    private const string LabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string Label1035Pattern = "[a-z]([-a-z0-9]*[a-z0-9])?";
    private const string ValuePattern = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
    private const string KeyPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

    public static string? CheckSubdomain(string name) => name.Length > 253
        ? "must be no more than 253 bytes"
        : Subdomain().IsMatch(name)
            ? null
            : $"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SubdomainPattern}')";

    public static string? CheckLabel(string name) => name.Length > 63
        ? "must be no more than 63 bytes"
        : Label().IsMatch(name)
            ? null
            : $"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LabelPattern}')";

    public static string? CheckLabel1035(string name) => name.Length > 63
        ? "must be no more than 63 bytes"
        : Label1035().IsMatch(name)
            ? null
            : $"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{Label1035Pattern}')";

    /// <summary>Names of roles and the like: whatever fits into a path segment.</summary>
    public static string? CheckPathSegment(string name) => name switch
    {
        "." or ".." => $"may not be '{name}'",
        _ when name.Contains('/') => "may not contain '/'",
        _ when name.Contains('%') => "may not contain '%'",
        _ => null,
    };

    /// <summary>Checks metadata.name (already resolved), labels, annotations and owner references.</summary>
    public static void ValidateMetadata(JsonObject obj, ResourceRules rules, List<FieldError> errors)
    {
        var name = obj.NameOf();
        if (rules.CheckName(name) is { } wrong)
        {
            errors.Add(FieldError.Invalid("metadata.name", name, wrong));
        }

        ValidateLabels(obj.ObjectAt("metadata", "labels"), "metadata.labels", errors);
        foreach (var (key, _) in obj.ObjectAt("metadata", "annotations") ?? [])
        {
            if (CheckKey(key) is { } problem)
            {
                errors.Add(FieldError.Invalid("metadata.annotations", key, problem));
            }
        }

        foreach (var (index, owner) in obj.ObjectsAt("metadata", "ownerReferences").Index())
        {
            foreach (var field in new[] { "apiVersion", "kind", "name", "uid" })
            {
                if (string.IsNullOrEmpty(owner.StringAt(field)))
                {
                    errors.Add(FieldError.Invalid($"metadata.ownerReferences[{index}].{field}", string.Empty, $"{(field == "apiVersion" ? "version" : field)} must not be empty"));
                }
            }
        }
    }

    public static void ValidateLabels(JsonObject? labels, string path, List<FieldError> errors)
    {
        foreach (var (key, value) in labels ?? [])
        {
            if (CheckKey(key) is { } problem)
            {
                errors.Add(FieldError.Invalid(path, key, problem));
            }

            var text = value.AsString() ?? string.Empty;
            if (text.Length > 63)
            {
                errors.Add(FieldError.Invalid(path, text, "must be no more than 63 bytes"));
            }
            else if (!Value().IsMatch(text))
            {
                errors.Add(FieldError.Invalid(
                    path,
                    text,
                    $"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{ValuePattern}')"));
            }
        }
    }

    private static string? CheckKey(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var name = key[(slash + 1)..];
        if (slash >= 0 && CheckSubdomain(key[..slash].ToLowerInvariant()) is { } prefix)
        {
            return $"prefix part {prefix}";
        }

        return name.Length is > 0 and <= 63 && Key().IsMatch(name)
            ? null
            : $"name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{KeyPattern}')";
    }

    [GeneratedRegex("^" + SubdomainPattern + "$")]
    private static partial Regex Subdomain();

    [GeneratedRegex("^" + LabelPattern + "$")]
    private static partial Regex Label();

    [GeneratedRegex("^" + Label1035Pattern + "$")]
    private static partial Regex Label1035();

    [GeneratedRegex("^" + ValuePattern + "$")]
    private static partial Regex Value();

    [GeneratedRegex("^" + KeyPattern + "$")]
    private static partial Regex Key();
}

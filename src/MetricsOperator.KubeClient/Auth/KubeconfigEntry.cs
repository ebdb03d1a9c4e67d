using YamlDotNet.RepresentationModel;

namespace MetricsOperator.KubeClient.Auth;

/// <summary>One cluster, user or context, with the file it came from: relative paths are relative to that file.</summary>
internal sealed class KubeconfigEntry(string file, string path, YamlMappingNode fields)
{
    /// <summary>File and field path, for messages.</summary>
    public string Where => $"{file}: {path}";

    /// <summary>The text of a scalar child; null when absent, empty or null.</summary>
    public static string? TextOf(YamlMappingNode node, string key)
        => node.Children.TryGetValue(key, out var value) && value is YamlScalarNode { Value: { Length: > 0 } text } && text is not ("null" or "~") ? text : null;

    public string? Text(string key) => TextOf(fields, key);

    public bool Has(string key) => fields.Children.ContainsKey(key);

    public bool Flag(string key) => Text(key) switch
    {
        null or "false" => false,
        "true" => true,
        var other => throw new KubeConfigException($"cannot use {Where}.{key}: got {other}, want true or false"),
    };

    public string Require(string key) => Text(key) ?? throw new KubeConfigException($"cannot use {Where}: got no {key}, want one");

    /// <summary>A path, made absolute.</summary>
    public string? FilePath(string key) => Text(key) is { } text ? Path.GetFullPath(text, Path.GetDirectoryName(file)!) : null;

    /// <summary>The content given inline as base64 in <c>key-data</c>, or in the file named by <c>key</c>; inline wins.</summary>
    public string? Content(string key)
    {
        try
        {
            if (Text(key + "-data") is { } inline)
            {
                return System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(inline));
            }

            return FilePath(key) is { } content ? File.ReadAllText(content) : null;
        }
        catch (FormatException e)
        {
            throw new KubeConfigException($"cannot use {Where}.{key}-data: got no base64", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KubeConfigException($"cannot use {Where}.{key}: {e.Message}", e);
        }
    }
}

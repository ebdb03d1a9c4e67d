using System.Globalization;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Discovery;

/// <summary>Writes the <c>__meta_kubernetes_*</c> labels that several roles share.</summary>
internal static class KubernetesLabels
{
    public const string Prefix = "__meta_kubernetes_";
    public const string Namespace = Prefix + "namespace";

    /// <summary>Name, labels and annotations of an object.</summary>
    public static void AddObject(LabelSetBuilder labels, V1ObjectMeta metadata, string role)
    {
        labels.Set($"{Prefix}{role}_name", metadata.Name ?? string.Empty);
        AddLabelsAndAnnotations(labels, metadata, role);
    }

    public static void AddLabelsAndAnnotations(LabelSetBuilder labels, V1ObjectMeta metadata, string role)
    {
        AddPairs(labels, metadata.Labels, role, "label");
        AddPairs(labels, metadata.Annotations, role, "annotation");
    }

    /// <summary>Every character that a legacy label name cannot have becomes an underscore.</summary>
    public static string Sanitize(string name) => string.Create(name.Length, name, static (target, source) =>
    {
        for (var i = 0; i < source.Length; i++)
        {
            target[i] = char.IsAsciiLetterOrDigit(source[i]) ? source[i] : '_';
        }
    });

    public static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? string.Empty;

    /// <summary><c>true</c> or <c>false</c>; empty, which is no label, for what is not known.</summary>
    public static string Boolean(bool? value) => value switch
    {
        true => "true",
        false => "false",
        null => string.Empty,
    };

    /// <summary><c>host:port</c>, with brackets around an IPv6 address.</summary>
    public static string HostPort(string host, int? port) => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{Number(port)}" : $"{host}:{Number(port)}";

    private static void AddPairs(LabelSetBuilder labels, IReadOnlyDictionary<string, string>? pairs, string role, string kind)
    {
        foreach (var (name, value) in pairs ?? new Dictionary<string, string>())
        {
            var safe = Sanitize(name);
            labels.Set($"{Prefix}{role}_{kind}_{safe}", value);
            labels.Set($"{Prefix}{role}_{kind}present_{safe}", "true");
        }
    }
}

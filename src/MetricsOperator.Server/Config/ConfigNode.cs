using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MetricsOperator.Server.Config;

/// <summary>One value of a configuration file together with where it stands, so that every complaint can name the place.</summary>
/// <param name="Node">The YAML value.</param>
/// <param name="Path">Field path from the top of the file (<c>scrape_configs[0].job_name</c>).</param>
/// <param name="File">Name of the file for messages.</param>
internal sealed record ConfigNode(YamlNode Node, string Path, string File)
{
    /// <summary>True for a missing value (<c>key:</c>), <c>null</c> and <c>~</c>.</summary>
    public bool IsNull => Node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" or "Null" or "NULL" };

    /// <summary>True when the value says nothing: null, an empty list, an empty mapping.</summary>
    public bool IsEmpty => IsNull || Node is YamlSequenceNode { Children.Count: 0 } or YamlMappingNode { Children.Count: 0 };

    public ConfigException Error(string message, Exception? inner = null) => ErrorAt(Node, Path, message, inner);

    public ConfigException ErrorAt(YamlNode place, string path, string message, Exception? inner = null) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{File}:{place.Start.Line}:{place.Start.Column}: {(path.Length == 0 ? "" : path + ": ")}{message}"), inner);

    public string AsString() => Node switch
    {
        YamlScalarNode scalar => IsNull ? string.Empty : scalar.Value ?? string.Empty,
        _ => throw Error($"got {Kind()}, want a string"),
    };

    public bool AsBool() => AsString() switch
    {
        "true" or "True" or "TRUE" or "yes" or "on" => true,
        "false" or "False" or "FALSE" or "no" or "off" => false,
        var other => throw Error($"got {LabelText(other)}, want true or false"),
    };

    /// <summary>A number that is not negative.</summary>
    public long AsCount()
    {
        var text = AsString();
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? count
            : throw Error($"got {LabelText(text)}, want a number that is not negative");
    }

    public double AsNumber()
    {
        var text = AsString();
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw Error($"got {LabelText(text)}, want a number");
    }

    public TimeSpan AsDuration() => DurationText.TryParse(AsString(), out var duration, out var problem) ? duration : throw Error(problem);

    public long AsByteSize()
    {
        var text = AsString();
        return ByteSize.TryParse(text, out var bytes) ? bytes : throw Error($"got {LabelText(text)}, want a size with a unit such as 10MB");
    }

    /// <summary>The elements of a list; none when the value is null.</summary>
    public IEnumerable<ConfigNode> AsList()
    {
        if (IsNull)
        {
            yield break;
        }

        var sequence = Node as YamlSequenceNode ?? throw Error($"got {Kind()}, want a list");
        for (var i = 0; i < sequence.Children.Count; i++)
        {
            yield return this with { Node = sequence.Children[i], Path = string.Create(CultureInfo.InvariantCulture, $"{Path}[{i}]") };
        }
    }

    public IReadOnlyList<T> AsListOf<T>(Func<ConfigNode, T> read) => [.. AsList().Select(read)];

    public IReadOnlyList<string> AsStrings() => AsListOf(n => n.AsString());

    /// <summary>The entries of a mapping with free keys.</summary>
    public IEnumerable<(string Key, ConfigNode Value)> AsEntries()
    {
        if (IsNull)
        {
            yield break;
        }

        var mapping = Node as YamlMappingNode ?? throw Error($"got {Kind()}, want a mapping");
        foreach (var (key, value) in mapping.Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? throw ErrorAt(key, Path, "a key must be a string");
            yield return (name, this with { Node = value, Path = Path.Length == 0 ? name : $"{Path}.{name}" });
        }
    }

    /// <summary>The fields of a mapping.</summary>
    /// <param name="type">What the mapping is, for messages.</param>
    /// <param name="known">Fields that are read.</param>
    /// <param name="later">Fields that are valid in Prometheus but not supported here: only an empty value is accepted.</param>
    public ConfigFields AsFields(string type, HashSet<string> known, HashSet<string>? later = null)
    {
        var fields = new Dictionary<string, ConfigNode>(StringComparer.Ordinal);
        if (IsNull)
        {
            return new ConfigFields(this, fields);
        }

        if (Node is not YamlMappingNode mapping)
        {
            throw Error($"got {Kind()}, want a mapping ({type})");
        }

        foreach (var (key, value) in mapping.Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? throw ErrorAt(key, Path, "a key must be a string");
            var field = this with { Node = value, Path = Path.Length == 0 ? name : $"{Path}.{name}" };
            if (later?.Contains(name) == true)
            {
                if (!field.IsEmpty)
                {
                    throw ErrorAt(key, field.Path, "not supported yet");
                }
            }
            else if (known.Contains(name))
            {
                fields.Add(name, field);
            }
            else
            {
                throw ErrorAt(key, Path, $"field {name} is not known in {type}");
            }
        }

        return new ConfigFields(this, fields);
    }

    private static string LabelText(string text) => Timeseries.Labels.LabelNames.Quote(text);

    private string Kind() => Node switch
    {
        YamlSequenceNode => "a list",
        YamlMappingNode => "a mapping",
        _ => IsNull ? "nothing" : LabelText(((YamlScalarNode)Node).Value ?? string.Empty),
    };
}

/// <summary>The fields of one mapping of a configuration file; a field that is absent or null has its default.</summary>
internal sealed class ConfigFields(ConfigNode owner, Dictionary<string, ConfigNode> fields)
{
    /// <summary>The mapping itself, to complain about what is missing in it.</summary>
    public ConfigNode Owner => owner;

    public bool Has(string name) => fields.TryGetValue(name, out var field) && !field.IsNull;

    public ConfigNode this[string name] => fields[name];

    public T Read<T>(string name, T otherwise, Func<ConfigNode, T> read) => Has(name) ? read(fields[name]) : otherwise;

    public string String(string name, string otherwise = "") => Read(name, otherwise, n => n.AsString());

    public bool Bool(string name, bool otherwise = false) => Read(name, otherwise, n => n.AsBool());

    public long Count(string name, long otherwise = 0) => Read(name, otherwise, n => n.AsCount());

    public long ByteSize(string name, long otherwise = 0) => Read(name, otherwise, n => n.AsByteSize());

    public TimeSpan Duration(string name, TimeSpan otherwise) => Read(name, otherwise, n => n.AsDuration());

    public IReadOnlyList<T> List<T>(string name, Func<ConfigNode, T> read) => Read<IReadOnlyList<T>>(name, [], n => n.AsListOf(read));

    /// <summary>A complaint about one field, placed at the field if it is there, else at the mapping.</summary>
    public ConfigException Error(string name, string message, Exception? inner = null) => fields.TryGetValue(name, out var field)
        ? field.Error(message, inner)
        : owner.ErrorAt(owner.Node, owner.Path.Length == 0 ? name : $"{owner.Path}.{name}", message, inner);
}

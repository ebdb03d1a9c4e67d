using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Schemas;

/// <summary>
/// Reads the .schema files: the types of the built-in kinds in a short notation. A line <c>package io.k8s.api.core.v1</c> sets the package;
/// <c>type Name [atomic] "text"</c> opens a type; an indented line <c>field[*] type [flags] "text"</c> declares a field (* means required).
/// Types: string int32 int64 bool number bytes Time MicroTime Quantity IntOrString any, a type's name, <c>[]T</c>, <c>map[T]</c>.
/// Flags: <c>merge=key</c> (strategic merge and server-side apply by that key), <c>keys=a,b</c> (server-side apply by these keys),
/// <c>set</c>, <c>atomic</c>, <c>retainKeys</c>, <c>replace</c>, <c>enum=A|B</c>, <c>default=JSON</c>, <c>min=N</c>.
/// </summary>
internal sealed class SchemaFile
{
    private readonly Dictionary<string, SchemaNode> _types = new(StringComparer.Ordinal);
    private readonly List<Action> _links = [];

    /// <summary>Every declared type by its full name.</summary>
    public IReadOnlyDictionary<string, SchemaNode> Types => _types;

    /// <summary>Loads all schema files inside this assembly.</summary>
    public static SchemaFile LoadEmbedded()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var file = new SchemaFile();
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.EndsWith(".schema", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            file.Read(name, reader.ReadToEnd());
        }

        file.Link();
        return file;
    }

    /// <summary>The type whose full name ends with <c>.name</c>, preferring the given package.</summary>
    public SchemaNode Find(string name, string package = "")
    {
        if (_types.TryGetValue($"{package}.{name}", out var exact) || _types.TryGetValue(name, out exact))
        {
            return exact;
        }

        var candidates = _types.Where(t => t.Key.EndsWith("." + name, StringComparison.Ordinal)).ToArray();
        return candidates.Length switch
        {
            1 => candidates[0].Value,
            0 => throw new FormatException($"no type {name} in the schema files"),
            _ => _types.GetValueOrDefault($"io.k8s.api.core.v1.{name}") ?? throw new FormatException($"type {name} is ambiguous: {string.Join(", ", candidates.Select(c => c.Key))}"),
        };
    }

    private void Read(string file, string text)
    {
        var package = string.Empty;
        SchemaNode? current = null;
        foreach (var (index, raw) in text.Split('\n').Index())
        {
            var line = raw.TrimEnd();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            var (head, description) = SplitDescription(line);
            var words = head.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (line[0] == ' ')
            {
                ReadField(current ?? throw Error("a field before any type"), words, description, package, Error);
            }
            else if (words[0] == "package")
            {
                package = words[1];
            }
            else if (words[0] == "type")
            {
                var full = $"{package}.{words[1]}";
                current = new SchemaNode
                {
                    Type = "object",
                    TypeName = full,
                    Description = description,
                    GoName = $"{package[(package.LastIndexOf('.') + 1)..]}.{words[1]}",
                    MapType = words.Contains("atomic") ? "atomic" : string.Empty,
                    PreserveUnknown = words.Contains("preserve"),
                };
                if (!_types.TryAdd(full, current))
                {
                    throw Error($"type {full} is declared twice");
                }
            }
            else
            {
                throw Error($"got {words[0]}, want package, type or an indented field");
            }

            FormatException Error(string message) => new($"cannot read {file} line {index + 1}: {message}");
        }
    }

    private void ReadField(SchemaNode owner, string[] words, string description, string package, Func<string, FormatException> error)
    {
        var required = words[0].EndsWith('*');
        var name = words[0].TrimEnd('*');
        if (required)
        {
            owner.Required.Add(name);
        }

        // Fields are filled in after all files are read, when every named type is known; the placeholder keeps the order.
        var field = new SchemaNode { Description = description };
        owner.Properties[name] = field;
        _links.Add(() =>
        {
            Become(field, Resolve(words[1], package));
            foreach (var flag in words[2..])
            {
                ApplyFlag(field, flag, error);
            }

            if (field.Type == "array" && field.ListType.Length == 0)
            {
                field.ListType = "atomic";
            }
        });
    }

    private void Link()
    {
        foreach (var link in _links)
        {
            link();
        }

        _links.Clear();
    }

    private SchemaNode Resolve(string type, string package)
    {
        if (type.StartsWith("[]", StringComparison.Ordinal))
        {
            var items = Resolve(type[2..], package);
            return new SchemaNode { Type = "array", Items = items, GoName = "[]" + items.GoName };
        }

        if (type.StartsWith("map[", StringComparison.Ordinal))
        {
            var values = Resolve(type[4..^1], package);
            return new SchemaNode { Type = "object", AdditionalProperties = values, GoName = "map[string]" + values.GoName };
        }

        return type switch
        {
            "string" => new SchemaNode { Type = "string", GoName = "string" },
            "bytes" => new SchemaNode { Type = "string", Format = "byte", GoName = "[]uint8" },
            "int32" => new SchemaNode { Type = "integer", Format = "int32", GoName = "int32" },
            "int64" => new SchemaNode { Type = "integer", Format = "int64", GoName = "int64" },
            "number" => new SchemaNode { Type = "number", Format = "double", GoName = "float64" },
            "bool" => new SchemaNode { Type = "boolean", GoName = "bool" },
            "Time" => new SchemaNode { Type = "string", Format = "date-time", GoName = "v1.Time", Nullable = true },
            "MicroTime" => new SchemaNode { Type = "string", Format = "date-time", GoName = "v1.MicroTime", Nullable = true },
            "Quantity" => new SchemaNode { IntOrString = true, Format = "quantity", GoName = "resource.Quantity" },
            "IntOrString" => new SchemaNode { IntOrString = true, Format = "int-or-string", GoName = "intstr.IntOrString" },
            "any" => new SchemaNode { PreserveUnknown = true, GoName = "runtime.RawExtension" },
            _ => Find(type, package),
        };
    }

    /// <summary>A field of a named type shares the type's fields, but has its own description and merge rules.</summary>
    private static void Become(SchemaNode field, SchemaNode type)
    {
        field.Type = type.Type;
        field.Format = type.Format;
        field.GoName = type.GoName;
        field.Items = type.Items;
        field.AdditionalProperties = type.AdditionalProperties;
        field.IntOrString = type.IntOrString;
        field.PreserveUnknown = type.PreserveUnknown;
        field.Nullable = type.Nullable;
        field.MapType = type.MapType;
        field.TypeName = type.TypeName;
        field.Shared = type.TypeName is null ? null : type;
    }

    private static void ApplyFlag(SchemaNode field, string flag, Func<string, FormatException> error)
    {
        var (key, value) = flag.IndexOf('=', StringComparison.Ordinal) is var at and > 0 ? (flag[..at], flag[(at + 1)..]) : (flag, string.Empty);
        switch (key)
        {
            case "merge":
                field.PatchStrategy = field.PatchStrategy.Length == 0 ? "merge" : $"merge,{field.PatchStrategy}";
                field.PatchMergeKey = value;
                field.ListType = value.Length == 0 ? "set" : "map";
                field.ListMapKeys = field.ListMapKeys.Count > 0 || value.Length == 0 ? field.ListMapKeys : [value];
                break;
            case "keys":
                field.ListType = "map";
                field.ListMapKeys = value.Split(',');
                break;
            case "set":
                field.ListType = "set";
                break;
            case "atomic":
                (field.ListType, field.MapType) = field.Type == "array" ? ("atomic", field.MapType) : (field.ListType, "atomic");
                break;
            case "retainKeys":
            case "replace":
                field.PatchStrategy = field.PatchStrategy.Length == 0 ? key : $"{field.PatchStrategy},{key}";
                break;
            case "enum":
                field.Enum = [.. value.Split('|').Select(v => (JsonNode)JsonValue.Create(v))];
                break;
            case "default":
                field.Default = field.Format == "quantity" ? JsonValue.Create(value) : JsonNode.Parse(value.StartsWith('{') || value.StartsWith('[') || value is "true" or "false" || long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? value : $"\"{value}\"");
                break;
            case "min":
                field.Minimum = double.Parse(value, CultureInfo.InvariantCulture);
                break;
            default:
                throw error($"unknown flag {flag}");
        }
    }

    private static (string Head, string Description) SplitDescription(string line)
    {
        var quote = line.IndexOf(" \"", StringComparison.Ordinal);
        return quote < 0 ? (line, string.Empty) : (line[..quote], line[(quote + 2)..].TrimEnd('"'));
    }
}

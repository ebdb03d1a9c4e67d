using System.ComponentModel;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MetricsOperator.Api.Schema;

/// <summary>Turns an API type and its attributes into a CustomResourceDefinition with a structural schema.</summary>
public static class CrdBuilder
{
    /// <summary>The definition of a type that carries <see cref="CustomResourceAttribute"/>.</summary>
    /// <exception cref="InvalidOperationException">A member has no description, or a type the schema cannot say.</exception>
    public static JsonObject Build(Type type)
    {
        var resource = type.GetCustomAttribute<CustomResourceAttribute>()
            ?? throw new InvalidOperationException($"{type.Name} has no CustomResource attribute");
        return new JsonObject
        {
            ["apiVersion"] = "apiextensions.k8s.io/v1",
            ["kind"] = "CustomResourceDefinition",
            ["metadata"] = new JsonObject { ["name"] = $"{resource.Plural}.{resource.Group}" },
            ["spec"] = new JsonObject
            {
                ["group"] = resource.Group,
                ["names"] = Names(resource),
                ["scope"] = "Namespaced",
                ["versions"] = new JsonArray(Version(type, resource)),
            },
        };
    }

    private static JsonObject Names(CustomResourceAttribute resource) => new()
    {
        ["kind"] = resource.Kind,
        ["listKind"] = resource.Kind + "List",
        ["plural"] = resource.Plural,
        ["singular"] = resource.Kind.ToLowerInvariant(),
        ["shortNames"] = Strings(resource.ShortNames),
        ["categories"] = Strings(resource.Categories),
    };

    private static JsonObject Version(Type type, CustomResourceAttribute resource)
    {
        var version = new JsonObject
        {
            ["name"] = resource.Version,
            ["served"] = true,
            ["storage"] = true,
            ["additionalPrinterColumns"] = new JsonArray([.. type.GetCustomAttributes<PrinterColumnAttribute>().Select(Column)]),
            ["schema"] = new JsonObject { ["openAPIV3Schema"] = Root(type) },
        };
        var subresources = new JsonObject();
        if (resource.Status)
        {
            subresources["status"] = new JsonObject();
        }

        if (resource.Scale)
        {
            subresources["scale"] = new JsonObject
            {
                ["specReplicasPath"] = ".spec.replicas",
                ["statusReplicasPath"] = ".status.replicas",
                ["labelSelectorPath"] = ".status.selector",
            };
        }

        if (subresources.Count > 0)
        {
            version["subresources"] = subresources;
        }

        return version;
    }

    private static JsonObject Column(PrinterColumnAttribute column)
    {
        var json = new JsonObject
        {
            ["name"] = column.Name,
            ["type"] = column.Type,
            ["jsonPath"] = column.JsonPath,
            ["description"] = column.Description,
        };
        if (column.Priority != 0)
        {
            json["priority"] = column.Priority;
        }

        return json;
    }

    private static JsonObject Root(Type type)
    {
        var properties = new JsonObject
        {
            ["apiVersion"] = new JsonObject { ["description"] = "Version of the schema of this object.", ["type"] = "string" },
            ["kind"] = new JsonObject { ["description"] = "Kind of this object.", ["type"] = "string" },
            ["metadata"] = new JsonObject { ["type"] = "object" },
        };
        var schema = new JsonObject
        {
            ["description"] = type.GetCustomAttribute<DescriptionAttribute>()?.Description
                ?? throw new InvalidOperationException($"{type.Name} has no Description attribute"),
            ["type"] = "object",
            ["properties"] = properties,
        };
        AddMembers(schema, properties, type.GetProperties().Where(p => p.Name is not ("ApiVersion" or "Kind" or "Metadata")));
        return schema;
    }

    private static JsonObject Object(Type type)
    {
        var properties = new JsonObject();
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        AddMembers(schema, properties, type.GetProperties(BindingFlags.Public | BindingFlags.Instance));
        return schema;
    }

    private static void AddMembers(JsonObject schema, JsonObject properties, IEnumerable<PropertyInfo> members)
    {
        var required = new JsonArray();
        foreach (var member in members)
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(member.Name);
            properties[name] = Member(member);
            if (member.IsDefined(typeof(RequiredFieldAttribute)))
            {
                required.Add(name);
            }
        }

        if (required.Count > 0)
        {
            schema["required"] = required;
        }
    }

    private static JsonObject Member(PropertyInfo member)
    {
        var description = member.GetCustomAttribute<DescriptionAttribute>()?.Description
            ?? throw new InvalidOperationException($"{member.DeclaringType!.Name}.{member.Name} has no Description attribute");
        var schema = new JsonObject { ["description"] = description };
        foreach (var (name, value) in Value(member.PropertyType, member).ToArray())
        {
            schema[name] = value?.DeepClone();
        }

        if (member.GetCustomAttribute<SchemaDefaultAttribute>() is { } fallback)
        {
            schema["default"] = JsonSerializer.SerializeToNode(fallback.Value);
        }

        return schema;
    }

    private static JsonObject Value(Type declared, PropertyInfo member)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        if (member.IsDefined(typeof(PreserveUnknownAttribute)))
        {
            return new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true };
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(List<>))
        {
            return List(type.GetGenericArguments()[0], member);
        }

        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>))
        {
            var map = new JsonObject { ["type"] = "object", ["additionalProperties"] = MapValue(type.GetGenericArguments()[1]) };
            if (member.GetCustomAttribute<BoundsAttribute>() is { } bounds)
            {
                map["maxProperties"] = bounds.Max;
            }

            return map;
        }

        return Scalar(type, member) ?? Object(type);
    }

    private static JsonObject MapValue(Type type) => type == typeof(string)
        ? new JsonObject { ["type"] = "string" }
        : new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" } };

    private static JsonObject List(Type item, PropertyInfo member)
    {
        JsonObject items;
        if (item == typeof(string))
        {
            items = new JsonObject { ["type"] = "string" };
            AddStringRules(items, member);
        }
        else
        {
            items = Object(item);
        }

        var list = new JsonObject { ["type"] = "array", ["items"] = items };
        if (member.GetCustomAttribute<BoundsAttribute>() is { } bounds)
        {
            if (bounds.Min > 0)
            {
                list["minItems"] = bounds.Min;
            }

            list["maxItems"] = bounds.Max;
        }

        if (member.GetCustomAttribute<ListMapKeyAttribute>() is { } key)
        {
            list["x-kubernetes-list-type"] = "map";
            list["x-kubernetes-list-map-keys"] = new JsonArray(key.Key);
        }
        else if (member.IsDefined(typeof(ListSetAttribute)))
        {
            list["x-kubernetes-list-type"] = "set";
        }

        return list;
    }

    private static JsonObject? Scalar(Type type, PropertyInfo member)
    {
        if (type == typeof(string))
        {
            var text = new JsonObject { ["type"] = "string" };
            AddStringRules(text, member);
            if (member.GetCustomAttribute<BoundsAttribute>() is { } length)
            {
                if (length.Min > 0)
                {
                    text["minLength"] = length.Min;
                }

                text["maxLength"] = length.Max;
            }

            return text;
        }

        if (type == typeof(bool))
        {
            return new JsonObject { ["type"] = "boolean" };
        }

        if (type == typeof(DateTimeOffset))
        {
            return new JsonObject { ["type"] = "string", ["format"] = "date-time" };
        }

        if (type != typeof(int) && type != typeof(long))
        {
            return null;
        }

        var number = new JsonObject { ["type"] = "integer", ["format"] = type == typeof(int) ? "int32" : "int64" };
        if (member.GetCustomAttribute<BoundsAttribute>() is { } range)
        {
            number["minimum"] = range.Min;
            if (range.Max != long.MaxValue)
            {
                number["maximum"] = range.Max;
            }
        }

        return number;
    }

    private static void AddStringRules(JsonObject schema, PropertyInfo member)
    {
        if (member.GetCustomAttribute<AllowedValuesAttribute>() is { } allowed)
        {
            schema["enum"] = Strings(allowed.Values);
        }

        if (member.GetCustomAttribute<PatternAttribute>() is { } pattern)
        {
            schema["pattern"] = pattern.Pattern;
        }
    }

    private static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode?)v)]);
}

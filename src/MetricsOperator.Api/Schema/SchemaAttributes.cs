namespace MetricsOperator.Api.Schema;

/// <summary>The field must be present; without it a field is optional and stays absent when the user leaves it out.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class RequiredFieldAttribute : Attribute;

/// <summary>The only values a string field (or the items of a string list) may have.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AllowedValuesAttribute(params string[] values) : Attribute
{
    public string[] Values { get; } = values;
}

/// <summary>A regular expression that a string field (or the items of a string list) must match.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PatternAttribute(string pattern) : Attribute
{
    public string Pattern { get; } = pattern;
}

/// <summary>Bounds: of the value for numbers, of the length for strings, of the count for lists and maps.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BoundsAttribute(long min, long max) : Attribute
{
    public long Min { get; } = min;

    public long Max { get; } = max;
}

/// <summary>A default that the API server writes into the object. Only for values that stay the same for the life of the version.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SchemaDefaultAttribute(object value) : Attribute
{
    public object Value { get; } = value;
}

/// <summary>The list is a map: items are told apart by this member, which merges and conflicts then respect.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListMapKeyAttribute(string key) : Attribute
{
    public string Key { get; } = key;
}

/// <summary>The list is a set: no item occurs twice.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ListSetAttribute : Attribute;

/// <summary>The schema of this object is open: what is inside is kept and checked by the operator instead.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PreserveUnknownAttribute : Attribute;

/// <summary>Names and subresources of a custom resource.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class CustomResourceAttribute(string group, string version, string kind, string plural) : Attribute
{
    public string Group { get; } = group;

    public string Version { get; } = version;

    public string Kind { get; } = kind;

    public string Plural { get; } = plural;

    public string[] ShortNames { get; set; } = [];

    public string[] Categories { get; set; } = [];

    /// <summary>Whether the resource has <c>/status</c>.</summary>
    public bool Status { get; set; }

    /// <summary>Whether the resource has <c>/scale</c> over spec.replicas, status.replicas and status.selector.</summary>
    public bool Scale { get; set; }
}

/// <summary>One column of <c>kubectl get</c>.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
public sealed class PrinterColumnAttribute(string name, string type, string jsonPath, string description) : Attribute
{
    public string Name { get; } = name;

    /// <summary>string, integer, number, boolean or date.</summary>
    public string Type { get; } = type;

    public string JsonPath { get; } = jsonPath;

    public string Description { get; } = description;

    /// <summary>0 is always shown, 1 only with <c>-o wide</c>.</summary>
    public int Priority { get; set; }
}

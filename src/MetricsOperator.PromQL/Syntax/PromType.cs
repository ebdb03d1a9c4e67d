namespace MetricsOperator.PromQL.Syntax;

/// <summary>What an expression yields.</summary>
public enum PromType : byte
{
    None,
    Scalar,
    String,
    InstantVector,
    RangeVector,
}

/// <summary>Names of types as error messages spell them.</summary>
public static class PromTypeText
{
    /// <summary>The name in type-check errors: <c>instant vector</c>.</summary>
    public static string Describe(this PromType type) => type switch
    {
        PromType.Scalar => "scalar",
        PromType.String => "string",
        PromType.InstantVector => "instant vector",
        PromType.RangeVector => "range vector",
        _ => "none",
    };

    /// <summary>The name in the HTTP API and in the parsed tree: <c>vector</c>, <c>matrix</c>.</summary>
    public static string ApiName(this PromType type) => type switch
    {
        PromType.Scalar => "scalar",
        PromType.String => "string",
        PromType.InstantVector => "vector",
        PromType.RangeVector => "matrix",
        _ => "none",
    };
}

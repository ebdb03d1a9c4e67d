namespace MetricsOperator.PromQL.Syntax;

/// <summary>Operators between two expressions.</summary>
public enum BinaryOperator : byte
{
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    And,
    Or,
    Unless,
}

/// <summary>Aggregators.</summary>
public enum AggregateOperator : byte
{
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    TopK,
    BottomK,
    Quantile,
    CountValues,
    LimitK,
    LimitRatio,
}

/// <summary>Spelling and classes of operators.</summary>
public static class OperatorText
{
    public static string Symbol(this BinaryOperator op) => op switch
    {
        BinaryOperator.Add => "+",
        BinaryOperator.Sub => "-",
        BinaryOperator.Mul => "*",
        BinaryOperator.Div => "/",
        BinaryOperator.Mod => "%",
        BinaryOperator.Pow => "^",
        BinaryOperator.Atan2 => "atan2",
        BinaryOperator.Equal => "==",
        BinaryOperator.NotEqual => "!=",
        BinaryOperator.Greater => ">",
        BinaryOperator.Less => "<",
        BinaryOperator.GreaterOrEqual => ">=",
        BinaryOperator.LessOrEqual => "<=",
        BinaryOperator.And => "and",
        BinaryOperator.Or => "or",
        _ => "unless",
    };

    public static string Symbol(this AggregateOperator op) => op switch
    {
        AggregateOperator.Sum => "sum",
        AggregateOperator.Avg => "avg",
        AggregateOperator.Min => "min",
        AggregateOperator.Max => "max",
        AggregateOperator.Count => "count",
        AggregateOperator.Group => "group",
        AggregateOperator.Stddev => "stddev",
        AggregateOperator.Stdvar => "stdvar",
        AggregateOperator.TopK => "topk",
        AggregateOperator.BottomK => "bottomk",
        AggregateOperator.Quantile => "quantile",
        AggregateOperator.CountValues => "count_values",
        AggregateOperator.LimitK => "limitk",
        _ => "limit_ratio",
    };

    public static bool IsComparison(this BinaryOperator op) => op is >= BinaryOperator.Equal and <= BinaryOperator.LessOrEqual;

    public static bool IsSetOperator(this BinaryOperator op) => op is BinaryOperator.And or BinaryOperator.Or or BinaryOperator.Unless;

    public static bool HasParameter(this AggregateOperator op) => op >= AggregateOperator.TopK;

    public static bool IsExperimental(this AggregateOperator op) => op is AggregateOperator.LimitK or AggregateOperator.LimitRatio;
}

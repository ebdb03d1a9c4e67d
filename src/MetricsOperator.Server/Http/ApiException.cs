namespace MetricsOperator.Server.Http;

/// <summary>Kinds of errors of the API, each with its name and HTTP status.</summary>
internal enum ApiErrorType
{
    BadData,
    Execution,
    Canceled,
    Timeout,
    Internal,
    Unavailable,
    NotFound,

    /// <summary>The server refuses for lack of memory; asking again later may work.</summary>
    Overloaded,
}

/// <summary>A request is answered with an error envelope.</summary>
internal sealed class ApiException(ApiErrorType type, string message, Exception? inner = null) : Exception(message, inner)
{
    public ApiErrorType Type { get; } = type;

    /// <summary>The <c>errorType</c> of the envelope.</summary>
    public string TypeName => Type switch
    {
        ApiErrorType.BadData => "bad_data",
        ApiErrorType.Execution => "execution",
        ApiErrorType.Canceled => "canceled",
        ApiErrorType.Timeout => "timeout",
        ApiErrorType.Internal => "internal",
        ApiErrorType.Unavailable or ApiErrorType.Overloaded => "unavailable",
        _ => "not_found",
    };

    public int Status => Type switch
    {
        ApiErrorType.BadData => 400,
        ApiErrorType.Execution => 422,
        ApiErrorType.Canceled => 499,
        ApiErrorType.Timeout or ApiErrorType.Overloaded => 503,
        ApiErrorType.NotFound => 404,
        _ => 500,
    };

    /// <summary>The complaint about one parameter.</summary>
    public static ApiException Parameter(string name, string problem, Exception? inner = null) =>
        new(ApiErrorType.BadData, $"invalid parameter \"{name}\": {problem}", inner);
}

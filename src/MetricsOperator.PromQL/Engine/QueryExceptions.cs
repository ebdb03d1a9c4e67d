namespace MetricsOperator.PromQL.Engine;

/// <summary>The query is valid but its evaluation fails (errorType <c>execution</c>).</summary>
public sealed class QueryExecutionException(string message) : Exception(message);

/// <summary>The query took longer than allowed (errorType <c>timeout</c>).</summary>
public sealed class QueryTimeoutException(string stage) : Exception("query timed out in " + stage);

/// <summary>The caller cancelled the query (errorType <c>canceled</c>).</summary>
public sealed class QueryCanceledException(string stage) : Exception("query was canceled in " + stage);

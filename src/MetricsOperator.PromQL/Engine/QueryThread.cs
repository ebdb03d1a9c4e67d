namespace MetricsOperator.PromQL.Engine;

/// <summary>Marks threads that work for a query: running out of memory there is the query's failure, elsewhere the process's.</summary>
public static class QueryThread
{
    [ThreadStatic]
    private static bool _isEvaluating;

    /// <summary>True while the calling thread works for a query.</summary>
    public static bool IsEvaluating
    {
        get => _isEvaluating;
        set => _isEvaluating = value;
    }
}

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>The text a target speaks.</summary>
public enum ExpositionFormat : byte
{
    /// <summary>Prometheus text 0.0.4 (and 1.0.0, which adds quoted names).</summary>
    Text,

    /// <summary>OpenMetrics 1.0: ends with <c># EOF</c>, timestamps in seconds, exemplars.</summary>
    OpenMetrics,
}

/// <summary>What <see cref="ExpositionReader.Next"/> found.</summary>
public enum ExpositionEntry : byte
{
    /// <summary>The body is read to its end without error.</summary>
    End,

    /// <summary>A sample line.</summary>
    Series,

    /// <summary>A <c># TYPE</c> line.</summary>
    Type,

    /// <summary>A <c># HELP</c> line.</summary>
    Help,

    /// <summary>A <c># UNIT</c> line (OpenMetrics).</summary>
    Unit,

    /// <summary>Any other comment (text 0.0.4 only).</summary>
    Comment,

    /// <summary>The body is malformed here; nothing after it can be read.</summary>
    Error,
}

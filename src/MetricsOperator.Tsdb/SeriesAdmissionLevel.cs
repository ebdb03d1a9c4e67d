namespace MetricsOperator.Tsdb;

/// <summary>Which new series the head accepts. Series that exist go on at every level.</summary>
public enum SeriesAdmissionLevel
{
    /// <summary>All.</summary>
    Open,

    /// <summary>A fair share for every target and metric family of what is left, families as a whole.</summary>
    Fair,

    /// <summary>Protected metrics only.</summary>
    Closed,
}

/// <summary>New series refused since the start, by the job they belong to.</summary>
/// <param name="Job">The job; <c>other</c> for those beyond the largest number of jobs that are told apart.</param>
/// <param name="Reason"><c>fair-share</c>, <c>budget</c> or <c>limit</c>.</param>
/// <param name="Count">How many were refused; a series that comes again with every scrape counts every time.</param>
public sealed record RefusedSeries(string Job, string Reason, long Count);

/// <summary>A metric family of a target of which new series were refused in the present episode.</summary>
public sealed record RefusedFamily(string Job, string Instance, string Family, long Count);

namespace MetricsOperator.Tsdb.Compaction;

/// <summary>
/// References of series that the head forgot, with the log segment that was current then: until that is gone, the log needs the series
/// record. Eight bytes a series.
/// </summary>
internal sealed class ForgottenSeries
{
    private readonly List<(int Segment, ulong[] References)> _batches = [];

    public void Add(int segment, IReadOnlyList<ulong> references)
    {
        if (references.Count > 0)
        {
            ulong[] sorted = [.. references];
            Array.Sort(sorted);
            _batches.Add((segment, sorted));
        }
    }

    /// <summary>True if segments behind <paramref name="cut"/> may hold samples of the series.</summary>
    public bool IsNeeded(ulong reference, int cut) => _batches.Exists(b => b.Segment > cut && Array.BinarySearch(b.References, reference) >= 0);

    /// <summary>Forgets those whose segments are gone.</summary>
    public void DropUntil(int cut) => _batches.RemoveAll(b => b.Segment <= cut);
}

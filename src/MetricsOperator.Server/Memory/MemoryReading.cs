namespace MetricsOperator.Server.Memory;

/// <summary>What the process uses at one moment, in bytes.</summary>
/// <param name="HeadBytes">The head, counted by itself.</param>
/// <param name="HeapBytes">Live objects of the last collection and what was allocated since.</param>
/// <param name="AnonymousBytes">Resident memory without mapped files.</param>
/// <param name="CgroupBytes">What the control group counts, page cache left out; 0 without one.</param>
/// <param name="CgroupLimitBytes">The limit of the group; 0 without one.</param>
internal readonly record struct MemoryReading(long HeadBytes, long HeapBytes, long AnonymousBytes, long CgroupBytes, long CgroupLimitBytes)
{
    /// <summary>Share of the head's cap.</summary>
    public double HeadPressure(MemoryBudget budget) => Share(HeadBytes, budget.HeadBytes);

    /// <summary>Share of the heap's limit.</summary>
    public double HeapPressure(MemoryBudget budget) => Share(HeapBytes, budget.HeapBytes);

    /// <summary>Share of the whole budget, or of the control group's limit.</summary>
    public double ProcessPressure(MemoryBudget budget) =>
        Math.Max(Share(AnonymousBytes, budget.TotalBytes), Share(CgroupBytes, CgroupLimitBytes));

    /// <summary>The largest of all.</summary>
    public double Pressure(MemoryBudget budget) => Math.Max(Math.Max(HeadPressure(budget), HeapPressure(budget)), ProcessPressure(budget));

    private static double Share(long used, long limit) => limit <= 0 ? 0 : (double)used / limit;
}

using Xunit.Sdk;

namespace MetricsOperator.TestKit;

/// <summary>Asserts what a hot path allocates on the calling thread; allocation counts are exact where timings are noisy.</summary>
public static class AllocationAssert
{
    /// <summary>Runs the action twice to warm up, then fails if a third run allocates more than <paramref name="bytes"/>.</summary>
    public static void AtMost(long bytes, Action action)
    {
        action();
        action();
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > bytes)
        {
            throw new XunitException($"allocated {allocated} bytes, want at most {bytes}");
        }
    }
}

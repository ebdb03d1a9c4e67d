using System.Collections.Concurrent;
using System.Globalization;

namespace MetricsOperator.Tsdb.Tests.Faults;

/// <summary>
/// Every kind of fault at every operation of a workload. A run is one number. Even numbers are kills at one operation after the other, odd ones
/// the other kinds in turn: a lap of twice as many runs as there are operations kills at each operation and meets each with one other kind, four
/// laps meet each with every kind, and then the next workload begins. <c>FAULT_RUNS</c> sets how many runs there are, <c>TEST_SEED</c> repeats one.
/// </summary>
public sealed class CrashMatrixTests
{
    private const int LeastRuns = 2000;
    private static readonly FaultKind[] Others = [FaultKind.PowerLoss, FaultKind.IoError, FaultKind.ShortWrite, FaultKind.NoSpace];

    [Fact]
    public void Nothing_promised_is_lost_whatever_fails_at_any_operation()
    {
        var operations = Operations();
        Assert.InRange(operations, 300, 2000);
        if (Number("TEST_SEED") is { } single)
        {
            Run(single, operations);
            return;
        }

        var runs = Number("FAULT_RUNS") ?? Math.Max(LeastRuns, 2 * operations);
        var failures = new ConcurrentBag<string>();
        var killedAt = new ConcurrentDictionary<int, bool>();
        Parallel.For(0, runs, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, number =>
        {
            try
            {
                if (Run(number, operations) is { } killed)
                {
                    killedAt[killed] = true;
                }
            }
            catch (Exception e)
            {
                failures.Add($"TEST_SEED={number}: {e.GetType().Name}: {e.Message}");
            }
        });
        Assert.True(failures.IsEmpty, $"{failures.Count} of {runs} runs failed:\n{string.Join('\n', failures.Order(StringComparer.Ordinal).Take(40))}");
        if (runs >= 2 * operations)
        {
            Assert.Equal(Enumerable.Range(1, operations), killedAt.Keys.Order());
        }
    }

    /// <summary>Operations of the first workload without a fault.</summary>
    private static int Operations()
    {
        using var run = new CrashRun(workloadSeed: 0, faultSeed: 0);
        run.Run(FaultKind.None, 0);
        Assert.True(run.Acknowledged > 500);
        return run.Operations;
    }

    /// <summary>One run; the operation that a kill met in the first workload.</summary>
    private static int? Run(int number, int operations)
    {
        var (pair, isOther) = Math.DivRem(number, 2);
        var (lap, index) = Math.DivRem(pair, operations);
        var kind = isOther == 1 ? Others[(index + lap) % Others.Length] : FaultKind.Kill;
        var operation = index + 1;
        var workload = lap / Others.Length;
        using var run = new CrashRun(workload, faultSeed: number);
        run.Run(kind, operation);
        if (workload == 0)
        {
            Assert.True(run.WasHit, $"the workload has no operation {operation}");
        }

        return kind == FaultKind.Kill && workload == 0 && run.WasHit ? operation : null;
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}

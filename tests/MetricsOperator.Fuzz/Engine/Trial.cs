namespace MetricsOperator.Fuzz.Engine;

/// <summary>One input run against a target, and what came of it.</summary>
/// <param name="Signature">Tells outcomes apart.</param>
/// <param name="Allocated">Bytes allocated by this thread.</param>
/// <param name="Problem">What the reader did wrong, or null.</param>
/// <param name="ProblemKey">The same for problems of the same kind.</param>
internal readonly record struct Trial(ulong Signature, long Allocated, string? Problem, ulong ProblemKey)
{
    /// <summary>So much is retried: code that runs for the first time and pools that fill allocate once.</summary>
    private const long Incidental = 1024 * 1024;

    public static Trial Of(FuzzTarget target, ReadOnlyMemory<byte> input)
    {
        var bound = target.AllowedFor(input.Span);
        var trial = Once(target, input, bound);
        for (var i = 0; i < 2 && trial.Problem is not null && trial.Allocated > bound && trial.Allocated - bound < Incidental; i++)
        {
            trial = Once(target, input, bound);
        }

        return trial;
    }

    private static Trial Once(FuzzTarget target, ReadOnlyMemory<byte> input, long bound)
    {
        string? problem = null;
        ulong signature;
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            signature = target.Run(input);
        }
        catch (Exception e) when (target.IsDocumented(e))
        {
            signature = Outcome.Of(e);
        }
        catch (Exception e)
        {
            signature = Outcome.Of(e);
            problem = e is InvariantException ? e.Message : e.ToString();
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var key = signature;
        if (problem is null && allocated > bound)
        {
            problem = $"allocated {allocated} bytes, want at most {bound} for {input.Length} bytes";
            key = 1;
        }

        return new Trial(signature, allocated, problem, key);
    }
}

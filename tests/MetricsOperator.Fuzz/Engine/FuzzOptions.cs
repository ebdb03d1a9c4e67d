namespace MetricsOperator.Fuzz.Engine;

/// <summary>How a target is run.</summary>
public sealed record FuzzOptions
{
    /// <summary>Inputs of a target of cost 1.</summary>
    public long Inputs { get; init; } = 1_000_000;

    public int Seed { get; init; } = 1;

    /// <summary>Ends the run of a target early.</summary>
    public TimeSpan TimeLimit { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>An input that takes longer hangs.</summary>
    public TimeSpan HangLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Where failing inputs go, and the current one, so that a killed process leaves it; null for nowhere.</summary>
    public string? Folder { get; init; }

    /// <summary>Told about the run every few seconds.</summary>
    public Action<FuzzResult>? Progress { get; init; }
}

/// <summary>An input that a reader does not treat as it should.</summary>
public sealed record FuzzFailure(string Target, string What, byte[] Input, int Seed, long InputNumber)
{
    public override string ToString() => $"{Target}: {What}\n  seed {Seed}, input {InputNumber}, {Input.Length} bytes: {Convert.ToHexStringLower(Input)}";
}

/// <summary>What a run has found.</summary>
public sealed record FuzzResult(
    string Target, long Inputs, TimeSpan Elapsed, TimeSpan CpuTime, int Outcomes, long MaxAllocated, AllocationBound Bound, IReadOnlyList<FuzzFailure> Failures)
{
    public double InputsPerSecond => Inputs / Math.Max(Elapsed.TotalSeconds, 1e-3);

    /// <summary>Inputs per second of processor time: the rate on a core of its own.</summary>
    public double InputsPerCpuSecond => Inputs / Math.Max(CpuTime.TotalSeconds, 1e-3);
}

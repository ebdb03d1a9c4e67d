namespace MetricsOperator.Tsdb;

/// <summary>Where the memory of the head is.</summary>
/// <param name="CapBytes">Bytes that the head may use; 0 for no limit.</param>
/// <param name="UsedBytes">Bytes in use: the sum of <paramref name="Uses"/>.</param>
/// <param name="Uses">Bytes by what they are used for, exact but for histograms, late samples and exemplars, which are estimates.</param>
/// <param name="Series">Series in the head.</param>
/// <param name="Admission">Which new series are accepted.</param>
/// <param name="AdmittedUnderPressure">New series accepted while not everything was, since the start.</param>
/// <param name="Refused">New series refused since the start.</param>
/// <param name="RefusedFamilies">The families refused most in the present episode of pressure.</param>
/// <param name="Targets">The targets that use most; what all targets share (symbols, label index) is not in their bytes.</param>
public sealed record HeadMemoryReport(
    long CapBytes,
    long UsedBytes,
    IReadOnlyList<NamedCount> Uses,
    long Series,
    SeriesAdmissionLevel Admission,
    long AdmittedUnderPressure,
    IReadOnlyList<RefusedSeries> Refused,
    IReadOnlyList<RefusedFamily> RefusedFamilies,
    IReadOnlyList<TargetMemory> Targets);

/// <summary>What the series of one target use by themselves.</summary>
/// <param name="Job">Value of the job label.</param>
/// <param name="Instance">Value of the instance label.</param>
/// <param name="Series">Its series.</param>
/// <param name="Bytes">Bytes of their table rows, label lists, chunks and descriptors.</param>
public sealed record TargetMemory(string Job, string Instance, long Series, long Bytes);

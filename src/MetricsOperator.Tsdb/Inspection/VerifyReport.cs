namespace MetricsOperator.Tsdb.Inspection;

/// <summary>One damaged place.</summary>
/// <param name="File">Path below the data directory.</param>
/// <param name="Offset">Offset in the file in bytes: of the damage, or of the record, chunk or section that it is in.</param>
/// <param name="What">What is wrong there.</param>
/// <param name="Affects">Which series and times depend on it.</param>
/// <param name="Consequence">What a server does about it, and what <c>repair</c> can do.</param>
public sealed record Damage(string File, long Offset, string What, string Affects, string Consequence);

/// <summary>What one file holds and what is wrong in it.</summary>
/// <param name="File">Path below the data directory.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Content">What was found in it, such as <c>371 series</c>.</param>
/// <param name="Damages">Empty for an intact file.</param>
public sealed record FileReport(string File, long Bytes, string Content, IReadOnlyList<Damage> Damages);

/// <summary>What a verification found.</summary>
/// <param name="Files">All files that were read.</param>
/// <param name="Ignored">Files that are not part of the database, and what they are.</param>
/// <param name="Unreadable">Files that the disk or their permissions do not give; their content is unknown.</param>
public sealed record VerifyReport(IReadOnlyList<FileReport> Files, IReadOnlyList<string> Ignored, IReadOnlyList<string> Unreadable)
{
    public IEnumerable<Damage> Damages => Files.SelectMany(f => f.Damages);

    public bool IsClean => Unreadable.Count == 0 && Files.All(f => f.Damages.Count == 0);
}

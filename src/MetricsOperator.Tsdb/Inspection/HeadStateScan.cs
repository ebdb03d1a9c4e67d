using MetricsOperator.Tsdb.Recovery;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>Reads every block of a state of the head. It is read from an open file, so that a server may replace it meanwhile.</summary>
internal static class HeadStateScan
{
    private const string Affects = "nothing: the log and chunks_head have all of it";
    private const string Consequence = "a server does not use the file and reads the whole log, which takes longer; repair sets it aside";

    /// <returns>What is in the file and wrong with it; null when there is none.</returns>
    public static FileReport? Run(string dataDirectory, CancellationToken cancellation)
    {
        using var file = HeadStateFile.Open(dataDirectory);
        if (file is null)
        {
            return null;
        }

        var damages = new DamageList(HeadStateFormat.FileName);
        if (!file.HasMagic)
        {
            damages.Add(0, "wrong magic number or version", Affects, Consequence);
            return damages.Report(file.Length, "unknown");
        }

        byte[] buffer = [];
        var blocks = 0;
        for (long at = HeadStateFormat.Magic.Length; ; blocks++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (file.ReadBlock(at, ref buffer, out var content) is { } problem)
            {
                damages.Add(at, problem, Affects, Consequence);
                break;
            }

            if (content[0] == HeadStateFormat.End)
            {
                if (file.ReadEnd() is { } why)
                {
                    damages.Add(at, why, Affects, Consequence);
                }

                break;
            }

            at += HeadStateFormat.BlockHeader + content.Length;
        }

        return damages.Report(file.Length, damages.IsEmpty ? $"{file.End.Series} series" : $"{blocks} blocks in front of the damage");
    }
}

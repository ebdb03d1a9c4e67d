using System.Globalization;

namespace MetricsOperator.LocalCluster.Kubelet.Processes;

/// <summary>One process as <c>/proc/PID/stat</c> tells it.</summary>
/// <param name="Pid">Process id.</param>
/// <param name="Name">The kernel's short name of the process.</param>
/// <param name="State">R, S, D, Z, ...</param>
/// <param name="Session">Process id of the session's leader.</param>
/// <param name="StartTicks">Start time in clock ticks since boot; with the pid it names a process for good.</param>
/// <param name="ResidentBytes">Resident set in bytes.</param>
internal readonly record struct ProcessEntry(int Pid, string Name, char State, int Session, long StartTicks, long ResidentBytes);

/// <summary>Reads the kernel's process table from /proc.</summary>
internal static class ProcessTable
{
    /// <summary>The process, or null when there is none with this id.</summary>
    public static ProcessEntry? Read(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
        }
        catch (IOException)
        {
            // Gone, before or during the read.
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }

        return Parse(pid, stat);
    }

    /// <summary>All processes whose session has this leader, the leader included; zombies left out.</summary>
    public static IReadOnlyList<ProcessEntry> InSession(int leader)
    {
        var found = new List<ProcessEntry>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && Read(pid) is { State: not ('Z' or 'X') } entry
                && entry.Session == leader)
            {
                found.Add(entry);
            }
        }

        return found;
    }

    /// <summary>Parses the content of a stat file; the name may hold spaces and parentheses, so fields count from the last one.</summary>
    internal static ProcessEntry? Parse(int pid, string stat)
    {
        var open = stat.IndexOf('(', StringComparison.Ordinal);
        var close = stat.LastIndexOf(')');
        if (open < 0 || close < open)
        {
            return null;
        }

        var fields = stat[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 22)
        {
            return null;
        }

        return new ProcessEntry(
            pid,
            stat[(open + 1)..close],
            fields[0][0],
            int.Parse(fields[3], CultureInfo.InvariantCulture),
            long.Parse(fields[19], CultureInfo.InvariantCulture),
            long.Parse(fields[21], CultureInfo.InvariantCulture) * Environment.SystemPageSize);
    }
}

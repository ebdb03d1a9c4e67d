using System.Globalization;

namespace MetricsOperator.LocalCluster.Kubelet.Processes;

/// <summary>
/// Remembers on disk which processes the kubelet started, one line <c>PID START_TICKS</c> each, so that the next run can end what a killed
/// cluster left behind without ever hitting a stranger that got the same process id.
/// </summary>
internal sealed class ProcessLedger(string file)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, long> _entries = [];

    public void Add(int pid, long startTicks)
    {
        lock (_gate)
        {
            _entries[pid] = startTicks;
            Save();
        }
    }

    public void Remove(int pid)
    {
        lock (_gate)
        {
            if (_entries.Remove(pid))
            {
                Save();
            }
        }
    }

    /// <summary>Kills the sessions that the last run recorded and that still live; returns how many processes were ended.</summary>
    public int EndStale()
    {
        if (!File.Exists(file))
        {
            return 0;
        }

        var ended = 0;
        foreach (var line in File.ReadLines(file))
        {
            var parts = line.Split(' ');
            if (parts.Length != 2
                || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var startTicks))
            {
                continue;
            }

            // A living leader with another start time is a stranger. A dead leader's id is not given out again while its session has members.
            if (ProcessTable.Read(pid) is { } leader && leader.StartTicks != startTicks)
            {
                continue;
            }

            foreach (var entry in ProcessTable.InSession(pid))
            {
                ended += NativeSignals.Send(entry.Pid, NativeSignals.Kill) ? 1 : 0;
            }
        }

        File.Delete(file);
        return ended;
    }

    private void Save()
    {
        var temporary = file + ".new";
        File.WriteAllLines(temporary, _entries.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key} {entry.Value}")));
        File.Move(temporary, file, overwrite: true);
    }
}

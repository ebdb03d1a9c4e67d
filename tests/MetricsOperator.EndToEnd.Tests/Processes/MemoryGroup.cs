using System.Diagnostics;
using System.Globalization;

namespace MetricsOperator.EndToEnd.Tests.Processes;

/// <summary>A memory control group of the kernel, version 1 or 2, for processes of a test.</summary>
internal sealed class MemoryGroup : IDisposable
{
    private const string Root = "/sys/fs/cgroup";

    private readonly string _directory;
    private readonly bool _isUnified;

    private MemoryGroup(string directory, bool isUnified, long limitBytes)
    {
        _directory = directory;
        _isUnified = isUnified;
        File.WriteAllText(Path.Combine(directory, isUnified ? "memory.max" : "memory.limit_in_bytes"), limitBytes.ToString(CultureInfo.InvariantCulture));
    }

    // A process writes its id there in order to join.
    private string Members => Path.Combine(_directory, "cgroup.procs");

    /// <summary>Most bytes the group has used.</summary>
    public long PeakBytes => long.Parse(File.ReadAllText(Path.Combine(_directory, _isUnified ? "memory.peak" : "memory.max_usage_in_bytes")), CultureInfo.InvariantCulture);

    /// <summary>How to start a program inside the group.</summary>
    /// <param name="program">Its path; arguments follow.</param>
    public ProcessStartInfo Start(string program)
    {
        var start = new ProcessStartInfo("/bin/sh");
        foreach (var argument in new[] { "-c", "echo $$ > \"$0\" && exec \"$@\"", Members, program })
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    /// <summary>Processes that the kernel has killed for memory.</summary>
    public long Kills => File.ReadLines(Path.Combine(_directory, _isUnified ? "memory.events" : "memory.oom_control"))
        .Where(l => l.StartsWith("oom_kill ", StringComparison.Ordinal))
        .Sum(l => long.Parse(l.AsSpan("oom_kill ".Length), CultureInfo.InvariantCulture));

    /// <summary>Creates a group; null where this user may not, and why.</summary>
    public static MemoryGroup? TryCreate(long limitBytes, out string problem)
    {
        problem = string.Empty;
        var isUnified = File.Exists(Path.Combine(Root, "cgroup.controllers"));
        var directory = Path.Combine(Root, isUnified ? string.Empty : "memory", $"metricsoperator-test-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(directory);
            return new MemoryGroup(directory, isUnified, limitBytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"control groups cannot be made here: {e.Message}";
            return null;
        }
    }

    public void Dispose()
    {
        // The kernel takes a moment to see that a killed process is gone.
        for (var attempt = 0; Directory.Exists(_directory); attempt++)
        {
            try
            {
                Directory.Delete(_directory);
            }
            catch (IOException) when (attempt < 50)
            {
                Thread.Sleep(100);
            }
        }
    }
}

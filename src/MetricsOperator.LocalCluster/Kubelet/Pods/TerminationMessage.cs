using System.Text;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>Reads what a container left in its termination message file.</summary>
internal static class TerminationMessage
{
    /// <summary>Bytes of the file that reach the status; the last ones.</summary>
    public const int MaxBytes = 4096;

    private const int MaxLogBytes = 2048;
    private const int MaxLogLines = 80;

    /// <summary>The last 4096 bytes of the file, or null when it is absent or empty.</summary>
    public static string? Read(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = Math.Max(0, stream.Length - MaxBytes);
        var bytes = new byte[Math.Min(stream.Length, MaxBytes)];
        var read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        var text = Encoding.UTF8.GetString(bytes, 0, read).TrimEnd('\0');
        return text.Length == 0 ? null : text;
    }

    /// <summary>The end of the log (at most 80 lines and 2048 bytes), for the policy FallbackToLogsOnError.</summary>
    public static string? ReadLogTail(string logFile)
    {
        if (!File.Exists(logFile))
        {
            return null;
        }

        var lines = File.ReadLines(logFile).TakeLast(MaxLogLines).Select(line => line.Split(' ', 4)).Where(parts => parts.Length == 4).Select(parts => parts[3]);
        var text = string.Join('\n', lines);
        text = text.Length > MaxLogBytes ? text[^MaxLogBytes..] : text;
        return text.Length == 0 ? null : text + "\n";
    }
}

using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Server.Hosting;

/// <summary>Reads the memory of this process without allocating.</summary>
internal sealed class ProcessMemory : IDisposable
{
    private readonly SafeFileHandle _statm = File.OpenHandle("/proc/self/statm");

    /// <summary>
    /// Resident bytes that belong to this process alone; 0 where the system does not tell. Pages of mapped files are left out: the kernel takes
    /// them back before it kills, and they are charged to whoever read them first.
    /// </summary>
    public long AnonymousBytes()
    {
        Span<byte> text = stackalloc byte[128];
        var line = text[..RandomAccess.Read(_statm, text, 0)];
        return TryReadPages(ref line, out _) && TryReadPages(ref line, out var resident) && TryReadPages(ref line, out var shared)
            ? (resident - shared) * Environment.SystemPageSize
            : 0;
    }

    public void Dispose() => _statm.Dispose();

    private static bool TryReadPages(ref Span<byte> line, out long pages)
    {
        var read = Utf8Parser.TryParse(line, out pages, out var consumed);
        line = line[Math.Min(consumed + 1, line.Length)..];
        return read;
    }
}

using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Server.Hosting;

/// <summary>Reads the resident memory of this process without allocating.</summary>
internal sealed class ProcessMemory : IDisposable
{
    private readonly SafeFileHandle _statm = File.OpenHandle("/proc/self/statm");

    /// <summary>Resident bytes; 0 where the system does not tell.</summary>
    public long ResidentBytes()
    {
        Span<byte> text = stackalloc byte[128];
        var line = text[..RandomAccess.Read(_statm, text, 0)];
        var second = line[(line.IndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(second, out long pages, out _) ? pages * Environment.SystemPageSize : 0;
    }

    public void Dispose() => _statm.Dispose();
}

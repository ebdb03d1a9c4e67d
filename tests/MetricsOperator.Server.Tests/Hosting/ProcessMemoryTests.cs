using System.Runtime.InteropServices;
using MetricsOperator.Server.Hosting;

namespace MetricsOperator.Server.Tests.Hosting;

public sealed class ProcessMemoryTests
{
    [Fact]
    public void Memory_that_is_allocated_and_touched_is_counted()
    {
        const int Size = 64 << 20;
        using var memory = new ProcessMemory();
        var before = memory.AnonymousBytes();
        var block = Marshal.AllocHGlobal(Size);
        try
        {
            for (var offset = 0; offset < Size; offset += Environment.SystemPageSize)
            {
                Marshal.WriteByte(block, offset, 1);
            }

            Assert.InRange(memory.AnonymousBytes() - before, Size * 9 / 10, Size * 2L);
        }
        finally
        {
            Marshal.FreeHGlobal(block);
        }
    }
}

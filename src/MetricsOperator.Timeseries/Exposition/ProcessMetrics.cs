using System.Diagnostics;
using System.Globalization;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>The basics that every exporter has: what this process uses.</summary>
internal static class ProcessMetrics
{
    private const string FileDescriptors = "/proc/self/fd";

    private static readonly double StartTime = ReadStartTime();

    public static void WriteTo(MetricsTextWriter writer)
    {
        writer.Family("dotnet_gc_collections_total", "counter", "Garbage collections by the oldest generation they looked at.");
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            // A collection of an older generation is counted for the younger ones as well; take that out.
            var count = GC.CollectionCount(generation) - (generation < GC.MaxGeneration ? GC.CollectionCount(generation + 1) : 0);
            writer.Sample("dotnet_gc_collections_total", [new("generation", generation.ToString(CultureInfo.InvariantCulture))], count);
        }

        Write(writer, "dotnet_gc_heap_bytes", "gauge", "Bytes in use on the managed heap.", GC.GetTotalMemory(forceFullCollection: false));
        Write(writer, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.", Environment.CpuUsage.TotalTime.TotalSeconds);
        if (Directory.Exists(FileDescriptors))
        {
            Write(writer, "process_open_fds", "gauge", "Number of open file descriptors.", Directory.EnumerateFileSystemEntries(FileDescriptors).Count());
        }

        Write(writer, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", Environment.WorkingSet);
        Write(writer, "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", StartTime);
    }

    private static void Write(MetricsTextWriter writer, string name, string type, string help, double value)
    {
        writer.Family(name, type, help);
        writer.Sample(name, [], value);
    }

    private static double ReadStartTime()
    {
        using var process = Process.GetCurrentProcess();
        return new DateTimeOffset(process.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
    }
}

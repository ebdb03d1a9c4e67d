using MetricsOperator.Tsdb.Files;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Parts of files of head chunks as one thread has read them last. A query over a few hours reads from a few places in the files at a time, and series that follow
/// one another have their chunks beside one another there: each place is read on in pieces that grow as long as it is used, so that one call of the
/// system brings the chunks of many series. What is read here and there costs no more than itself. At most 128 KiB for each thread that reads.
/// </summary>
internal sealed class HeadChunkWindows
{
    /// <summary>Places at a time: the closed chunks that a series has in a head of six hours, and some.</summary>
    private const int Places = 16;
    private const int MinBytes = 1024;
    private const int MaxBytes = 8 * 1024;

    /// <summary>Farther behind a piece than this is another place.</summary>
    private const int MaxGap = 4 * 1024;

    [ThreadStatic]
    private static HeadChunkWindows? _ofThread;

    private readonly Window[] _windows = new Window[Places];
    private int _oldest;

    private HeadChunkWindows()
    {
    }

    public static HeadChunkWindows OfThread => _ofThread ??= new HeadChunkWindows();

    /// <summary>What is known of a file from an offset on; empty when that is nothing. Files only grow, so what was read stays right.</summary>
    /// <param name="files">Names the directory.</param>
    /// <param name="number">Number of the file.</param>
    /// <param name="offset">Offset in it.</param>
    public ReadOnlySpan<byte> Find(object files, int number, long offset)
    {
        foreach (ref readonly var window in _windows.AsSpan())
        {
            if (window.Files == files && window.Number == number && offset >= window.Start && offset < window.Start + window.Length)
            {
                return window.Bytes.AsSpan((int)(offset - window.Start), (int)(window.Start + window.Length - offset));
            }
        }

        return default;
    }

    /// <summary>Reads a piece of a file from an offset on.</summary>
    /// <param name="files">Names the directory.</param>
    /// <param name="number">Number of the file.</param>
    /// <param name="handle">The file.</param>
    /// <param name="offset">Offset in it.</param>
    /// <param name="end">Nothing behind this offset is read.</param>
    /// <exception cref="IOException">The disk refuses.</exception>
    public ReadOnlySpan<byte> Read(object files, int number, SafeFileHandle handle, long offset, long end)
    {
        ref var window = ref PlaceFor(files, number, offset, out var isContinued);
        var size = isContinued ? Math.Min(window.Bytes.Length * 2, MaxBytes) : MinBytes;
        if (window.Bytes is null || window.Bytes.Length != size)
        {
            window.Bytes = GC.AllocateUninitializedArray<byte>(size);
        }

        (window.Files, window.Number, window.Start, window.Length) = (files, number, offset, 0);
        window.Length = DataFiles.ReadFully(handle, window.Bytes.AsSpan(0, (int)Math.Clamp(end - offset, 0, size)), offset);
        return window.Bytes.AsSpan(0, window.Length);
    }

    private ref Window PlaceFor(object files, int number, long offset, out bool isContinued)
    {
        for (var i = 0; i < Places; i++)
        {
            ref var window = ref _windows[i];
            if (window.Files == files && window.Number == number && offset >= window.Start && offset <= window.Start + window.Length + MaxGap)
            {
                isContinued = true;
                return ref window;
            }
        }

        isContinued = false;
        _oldest = (_oldest + 1) % Places;
        return ref _windows[_oldest];
    }

    private struct Window
    {
        public object? Files;
        public int Number;
        public long Start;
        public int Length;
        public byte[] Bytes;
    }
}

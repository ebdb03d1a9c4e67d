using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Tsdb.Head;

/// <summary>What memory of the head is used for.</summary>
internal enum HeadMemoryUse
{
    /// <summary>The table of series.</summary>
    Series,

    /// <summary>Label lists of series.</summary>
    Labels,

    /// <summary>Texts of label names and values, and their table.</summary>
    Symbols,

    /// <summary>Lists of series by label pair, and their table.</summary>
    Postings,

    /// <summary>Hash tables that find series, symbols and label pairs.</summary>
    Indexes,

    /// <summary>Open float chunks.</summary>
    Chunks,

    /// <summary>Descriptors of closed chunks.</summary>
    Descriptors,

    /// <summary>Slots that are free or longer than what they hold is asked for.</summary>
    Slack,
}

/// <summary>
/// Native memory of the head, taken from the kernel and given back page by page, counted byte by byte: the garbage collector neither sees
/// nor keeps it, so what the head lets go of is free at once. Not thread-safe: the head's lock guards it.
/// </summary>
internal sealed unsafe partial class HeadMemory : IDisposable
{
    /// <summary>Bytes of a slab.</summary>
    public const int SlabBytes = 64 * 1024;

    private const int RegionSlabs = 1024;
    private const int ReadWrite = 3;
    private const int PrivateAnonymousNoReserve = 0x2 | 0x20 | 0x4000;
    private const int AdviseDontNeed = 4;
    private const int AdviseHugePages = 14;
    private const int AdviseNoHugePages = 15;
    private const int HugePageBytes = 2 * 1024 * 1024;
    private const int RegionBytes = RegionSlabs * SlabBytes;
    private const int AdvisePopulateWrite = 23;

    /// <summary>A head above this size gets its pages in advance, many at a time; smaller ones only those that they touch.</summary>
    private const long LargeHeadBytes = 8 * 1024 * 1024;

    private readonly List<nint> _regions = [];
    private readonly Stack<nint> _freeSlabs = new();
    private readonly Dictionary<nint, nuint> _tables = [];
    private readonly long[] _used = new long[Enum.GetValues<HeadMemoryUse>().Length];
    private int _slabsOfRegion = RegionSlabs;
    private long _bytes;
    private HeadMemory? _part;

    /// <summary>Bytes taken from the kernel, those of the part included.</summary>
    public long Bytes => Volatile.Read(ref _bytes) + (_part?.Bytes ?? 0);

    /// <summary>Bytes in use by kind; <see cref="HeadMemoryUse.Slack"/> is what slabs hold besides.</summary>
    public long BytesOf(HeadMemoryUse use) => Volatile.Read(ref _used[(int)use]) + (_part?.BytesOf(use) ?? 0);

    /// <summary>Memory that counts as this one's and lives as long, but that another thread may use at the same time; there is one.</summary>
    public HeadMemory Part() => _part ??= new HeadMemory();

    /// <summary>Moves bytes between kinds; what is taken from the kernel does not change.</summary>
    public void Account(HeadMemoryUse use, long bytes)
    {
        _used[(int)use] += bytes;
        _used[(int)HeadMemoryUse.Slack] -= bytes;
    }

    /// <summary>A slab whose content is undefined.</summary>
    /// <exception cref="InsufficientMemoryException">The kernel refuses.</exception>
    public byte* TakeSlab()
    {
        if (!_freeSlabs.TryPop(out var slab))
        {
            if (_slabsOfRegion == RegionSlabs)
            {
                _regions.Add(Reserve((nuint)RegionSlabs * SlabBytes));
                _slabsOfRegion = 0;
            }

            slab = _regions[^1] + ((nint)_slabsOfRegion++ * SlabBytes);
        }

        Count(SlabBytes);
        Populate(slab, SlabBytes);
        return (byte*)slab;
    }

    /// <summary>Gives a slab back, its pages to the kernel.</summary>
    public void GiveSlab(byte* slab)
    {
        if (Advise((nint)slab, SlabBytes, AdviseDontNeed) != 0)
        {
            throw Failed("give memory back");
        }

        _freeSlabs.Push((nint)slab);
        Count(-SlabBytes);
    }

    /// <summary>A table of its own, zeroed; its bytes belong to a kind from the start.</summary>
    /// <exception cref="InsufficientMemoryException">The kernel refuses.</exception>
    public byte* TakeTable(long bytes, HeadMemoryUse use)
    {
        var length = Rounded(bytes);
        var table = Reserve(length);
        _tables.Add(table, length);
        Count((long)length);
        Account(use, (long)length);
        Populate(table, length);
        return (byte*)table;
    }

    /// <summary>Gives a table back.</summary>
    public void GiveTable(byte* table, HeadMemoryUse use)
    {
        _tables.Remove((nint)table, out var length);
        Unmap((nint)table, length);
        Account(use, -(long)length);
        Count(-(long)length);
    }

    /// <summary>Gives everything back. Whoever uses a handle afterwards is refused by the tables that led to it.</summary>
    public void Dispose()
    {
        foreach (var region in _regions)
        {
            Unmap(region, (nuint)RegionSlabs * SlabBytes);
        }

        foreach (var (table, length) in _tables)
        {
            Unmap(table, length);
        }

        _regions.Clear();
        _tables.Clear();
        _freeSlabs.Clear();
        _slabsOfRegion = RegionSlabs;
        _part?.Dispose();
        Array.Clear(_used);
        Volatile.Write(ref _bytes, 0);
    }

    private static nuint Rounded(long bytes)
    {
        var page = (nuint)Environment.SystemPageSize;
        return ((nuint)bytes + page - 1) / page * page;
    }

    private static nint Reserve(nuint length)
    {
        var address = Map(0, length, ReadWrite, PrivateAnonymousNoReserve, -1, 0);
        if (address == -1)
        {
            throw new InsufficientMemoryException($"the kernel refuses {length} bytes for the head: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }

        // Huge pages would make a region resident that is used only here and there. A kernel without them refuses the advice, which is fine.
        // A large table is the hash index of a large head, which is touched all over.
        _ = Advise(address, length, length >= HugePageBytes && length < RegionBytes ? AdviseHugePages : AdviseNoHugePages);
        return address;
    }

    // A fault for each page costs several times what the page does. Kernels before 5.14 refuse the advice, which costs only that.
    private void Populate(nint address, nuint length)
    {
        if (_bytes > LargeHeadBytes)
        {
            _ = Advise(address, length, AdvisePopulateWrite);
        }
    }

    private static void Unmap(nint address, nuint length)
    {
        if (UnmapPages(address, length) != 0)
        {
            throw Failed("give memory back");
        }
    }

    private static StorageException Failed(string what) => new($"BUG: cannot {what}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");

    private void Count(long bytes)
    {
        Volatile.Write(ref _bytes, _bytes + bytes);
        _used[(int)HeadMemoryUse.Slack] += bytes;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int UnmapPages(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Advise(nint address, nuint length, int advice);
}

/// <summary>
/// A table of fixed-size entries in pages of native memory, so that growing moves nothing. Entries of a new page are zero. Not thread-safe.
/// </summary>
internal sealed unsafe class PagedTable<T>(HeadMemory memory, HeadMemoryUse use)
    where T : unmanaged
{
    // Arrays and fields of the instance: precompiled code reaches them without a call.
    private readonly int _pageBits = 31 - int.LeadingZeroCount(HeadMemory.SlabBytes / sizeof(T));
    private readonly int _pageMask = (1 << (31 - int.LeadingZeroCount(HeadMemory.SlabBytes / sizeof(T)))) - 1;
    private nint[] _pages = new nint[8];
    private int _pageCount;

    /// <summary>Entries that there is room for.</summary>
    public int Capacity => _pageCount << _pageBits;

    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref ((T*)_pages[index >> _pageBits])[index & _pageMask];
    }

    /// <summary>Makes room for an entry.</summary>
    public void Reserve(int index)
    {
        while (index >= Capacity)
        {
            if (_pageCount == _pages.Length)
            {
                Array.Resize(ref _pages, _pageCount * 2);
            }

            _pages[_pageCount++] = (nint)memory.TakeTable((long)sizeof(T) << _pageBits, use);
        }
    }

    /// <summary>Gives back the pages that entries from <paramref name="count"/> on are alone in.</summary>
    public void Trim(int count)
    {
        var kept = (count + _pageMask) >> _pageBits;
        for (var page = kept; page < _pageCount; page++)
        {
            memory.GiveTable((byte*)_pages[page], use);
            _pages[page] = 0;
        }

        _pageCount = Math.Min(_pageCount, kept);
    }

    /// <summary>Forgets the pages without giving them back; to be called when the memory is gone.</summary>
    public void Abandon()
    {
        _pages = [];
        _pageCount = 0;
    }
}

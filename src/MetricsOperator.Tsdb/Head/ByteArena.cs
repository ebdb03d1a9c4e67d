using System.Buffers.Binary;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Memory for the many small byte runs of the head (symbols, label lists, chunks, postings), in slabs of one slot size each. A handle is
/// an int; 0 is none. Not thread-safe: the head's lock guards it.
/// </summary>
internal sealed unsafe class ByteArena(HeadMemory memory)
{
    private const int SlotBits = 12;
    private const int SlotMask = (1 << SlotBits) - 1;
    private const int NoSlot = -1;

    private static readonly int[] Sizes = [16, 24, 32, 48, 64, 72, 96, 120, 144, 168, 192, 256, 320, 384, 512, 768, 1024, 2048, 4096, 8192];

    private const int SmallBytes = 512;

    /// <summary>Size class by eighth of the bytes, rounded up, for small runs.</summary>
    private static readonly byte[] SmallClasses = FindSmallClasses();

    private Slab?[] _slabs = new Slab?[16];
    private int _slabCount;
    private readonly Stack<int> _freeSlabs = new();
    private readonly List<int>[] _withSpace = [.. Sizes.Select(_ => new List<int>())];

    /// <summary>Slabs without any used slot, by size class; one is kept so that a lone slot coming and going does not cost a slab.</summary>
    private readonly int[] _empty = new int[Sizes.Length];

    /// <summary>Finds room for at least <paramref name="size"/> bytes, whose content is undefined.</summary>
    public int Allocate(int size, HeadMemoryUse use)
    {
        var sizeClass = ClassOf(size);
        if (sizeClass < 0)
        {
            return Handle(AddSlab(new Slab(memory.TakeTable(size, use), -1, size, 1)), TakeSlot(_slabs[_slabCount - 1]!));
        }

        memory.Account(use, Sizes[sizeClass]);

        var candidates = _withSpace[sizeClass];
        while (candidates.Count > 0)
        {
            var id = candidates[^1];
            var slab = _slabs[id];

            // Released slabs stay in the list until somebody meets them here.
            if (slab is not null && slab.SizeClass == sizeClass && slab.HasSpace)
            {
                if (slab.Used == 0)
                {
                    _empty[sizeClass]--;
                }

                return Handle(id, TakeSlot(slab));
            }

            if (slab is not null && slab.SizeClass == sizeClass)
            {
                slab.IsListed = false;
            }

            candidates.RemoveAt(candidates.Count - 1);
        }

        var slotSize = Sizes[sizeClass];
        var fresh = new Slab(memory.TakeSlab(), sizeClass, slotSize, HeadMemory.SlabBytes / slotSize) { IsListed = true };
        var freshId = AddSlab(fresh);
        candidates.Add(freshId);
        return Handle(freshId, TakeSlot(fresh));
    }

    /// <summary>The whole slot of a handle; it may be longer than what was asked for.</summary>
    public Span<byte> Get(int handle)
    {
        var slab = _slabs[(handle - 1) >> SlotBits]!;
        return slab.Slot((handle - 1) & SlotMask);
    }

    /// <summary>Takes a run back that was allocated for this use.</summary>
    public void Free(int handle, HeadMemoryUse use)
    {
        var id = (handle - 1) >> SlotBits;
        var slab = _slabs[id]!;
        if (slab.SizeClass < 0)
        {
            memory.GiveTable(slab.Data, use);
            _slabs[id] = null;
            return;
        }

        memory.Account(use, -slab.SlotSize);
        var slot = (handle - 1) & SlotMask;
        BinaryPrimitives.WriteInt32LittleEndian(slab.Slot(slot), slab.FreeSlot);
        slab.FreeSlot = slot;
        slab.Used--;
        if (slab.Used == 0 && _empty[slab.SizeClass] == 0)
        {
            _empty[slab.SizeClass]++;
            slab.Fresh = 0;
            slab.FreeSlot = NoSlot;
        }
        else if (slab.Used == 0)
        {
            memory.GiveSlab(slab.Data);
            _slabs[id] = null;
            _freeSlabs.Push(id);
            return;
        }

        if (!slab.IsListed)
        {
            slab.IsListed = true;
            _withSpace[slab.SizeClass].Add(id);
        }
    }

    /// <summary>Forgets all slabs; to be called when the memory is gone.</summary>
    public void Abandon()
    {
        _slabs = [];
        _slabCount = 0;
    }

    private static int ClassOf(int size)
    {
        if (size <= SmallBytes)
        {
            return SmallClasses[(size + 7) >> 3];
        }

        for (var i = SmallClasses[^1]; i < Sizes.Length; i++)
        {
            if (size <= Sizes[i])
            {
                return i;
            }
        }

        return -1;
    }

    private static byte[] FindSmallClasses()
    {
        var classes = new byte[(SmallBytes / 8) + 1];
        for (var (i, c) = (0, 0); i < classes.Length; i++)
        {
            c += Sizes[c] < i * 8 ? 1 : 0;
            classes[i] = (byte)c;
        }

        return classes;
    }

    private static int Handle(int slab, int slot) => checked((slab << SlotBits) | slot) + 1;

    private static int TakeSlot(Slab slab)
    {
        slab.Used++;
        if (slab.FreeSlot == NoSlot)
        {
            return slab.Fresh++;
        }

        var slot = slab.FreeSlot;
        slab.FreeSlot = BinaryPrimitives.ReadInt32LittleEndian(slab.Slot(slot));
        return slot;
    }

    private int AddSlab(Slab slab)
    {
        if (slab.SizeClass >= 0 && _freeSlabs.TryPop(out var id))
        {
            _slabs[id] = slab;
            return id;
        }

        if (_slabCount == _slabs.Length)
        {
            Array.Resize(ref _slabs, _slabCount * 2);
        }

        _slabs[_slabCount] = slab;
        return _slabCount++;
    }

    private sealed class Slab(byte* data, int sizeClass, int slotSize, int slots)
    {
        public readonly byte* Data = data;
        public readonly int SizeClass = sizeClass;
        public readonly int SlotSize = slotSize;

        /// <summary>Slots that were handed out; those from here on have never been.</summary>
        public int Fresh;

        /// <summary>First slot of the list of freed ones, each of which begins with the number of the next.</summary>
        public int FreeSlot = NoSlot;
        public int Used;
        public bool IsListed;

        public Span<byte> Slot(int slot) => new(Data + (slot * SlotSize), SlotSize);

        public bool HasSpace => FreeSlot != NoSlot || Fresh < slots;
    }
}

using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Finds small numbers by 32-bit hash: open addressing, eight bytes an entry. Several numbers may share a hash; the caller compares
/// what they stand for. Not thread-safe.
/// </summary>
internal sealed unsafe class HashIndex
{
    /// <summary>Entries of a page of memory.</summary>
    private const int MinCapacity = 512;

    /// <summary>One empty entry, in which nothing is found.</summary>
    private static readonly ulong* Nothing = (ulong*)NativeMemory.AllocZeroed(sizeof(ulong));

    private readonly HeadMemory _memory;

    // Hash in the upper half, number + 1 in the lower; 0 is empty.
    private ulong* _entries;
    private int _capacity;

    public HashIndex(HeadMemory memory)
    {
        _memory = memory;
        _capacity = MinCapacity;
        _entries = Take(MinCapacity);
    }

    public int Count { get; private set; }

    /// <summary>Where to start walking the candidates of a hash with <see cref="Next"/>.</summary>
    public int First(uint hash) => (int)(hash * 0x9E3779B1u) & (_capacity - 1);

    /// <summary>Asks for the memory that <see cref="Add"/> or a walk of this hash will need, without waiting for it.</summary>
    public void Prefetch(uint hash)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(_entries + First(hash));
        }
    }

    /// <summary>The next number with this hash; false when there are no more.</summary>
    public bool Next(uint hash, ref int position, out int number)
    {
        while (true)
        {
            var entry = _entries[position];
            if (entry == 0)
            {
                number = -1;
                return false;
            }

            position = (position + 1) & (_capacity - 1);
            if ((uint)(entry >> 32) == hash)
            {
                number = (int)((uint)entry - 1);
                return true;
            }
        }
    }

    /// <summary>True if a number was added with this hash.</summary>
    public bool Contains(uint hash, int number)
    {
        for (var position = First(hash); Next(hash, ref position, out var found);)
        {
            if (found == number)
            {
                return true;
            }
        }

        return false;
    }

    public void Add(uint hash, int number)
    {
        if ((Count + 1) * 4 > _capacity * 3)
        {
            Resize(_capacity * 2);
        }

        Insert(((ulong)hash << 32) | ((uint)number + 1));
        Count++;
    }

    /// <summary>Removes a number that was added with this hash.</summary>
    public void Remove(uint hash, int number)
    {
        var mask = _capacity - 1;
        var wanted = ((ulong)hash << 32) | ((uint)number + 1);
        var hole = First(hash);
        while (_entries[hole] != wanted)
        {
            if (_entries[hole] == 0)
            {
                throw new InvalidOperationException("BUG: number is not in the hash index");
            }

            hole = (hole + 1) & mask;
        }

        // Entries behind the hole move up, so that no walk ends too early.
        for (var next = (hole + 1) & mask; _entries[next] != 0; next = (next + 1) & mask)
        {
            var home = First((uint)(_entries[next] >> 32));
            if (((next - home) & mask) >= ((next - hole) & mask))
            {
                _entries[hole] = _entries[next];
                hole = next;
            }
        }

        _entries[hole] = 0;
        Count--;
    }

    /// <summary>Removes everything and makes room for so many numbers.</summary>
    public void Clear(int expected)
    {
        var capacity = MinCapacity;
        while (capacity * 3 < expected * 4L)
        {
            capacity *= 2;
        }

        if (capacity == _capacity)
        {
            new Span<ulong>(_entries, _capacity).Clear();
        }
        else
        {
            Give(_entries);
            _entries = Take(capacity);
            _capacity = capacity;
        }

        Count = 0;
    }

    /// <summary>Forgets everything without giving memory back; to be called when the memory is gone.</summary>
    public void Abandon()
    {
        _entries = Nothing;
        _capacity = 1;
        Count = 0;
    }

    private void Resize(int capacity)
    {
        var (old, oldCapacity) = ((nint)_entries, _capacity);
        _entries = Take(capacity);
        _capacity = capacity;
        foreach (var entry in new ReadOnlySpan<ulong>((ulong*)old, oldCapacity))
        {
            if (entry != 0)
            {
                Insert(entry);
            }
        }

        Give((ulong*)old);
    }

    private ulong* Take(int capacity) => (ulong*)_memory.TakeTable(capacity * (long)sizeof(ulong), HeadMemoryUse.Indexes);

    private void Give(ulong* entries) => _memory.GiveTable((byte*)entries, HeadMemoryUse.Indexes);

    private void Insert(ulong entry)
    {
        var position = First((uint)(entry >> 32));
        while (_entries[position] != 0)
        {
            position = (position + 1) & (_capacity - 1);
        }

        _entries[position] = entry;
    }
}

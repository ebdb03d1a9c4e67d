using System.Diagnostics.CodeAnalysis;
using MetricsOperator.Timeseries.Hashing;

namespace MetricsOperator.PromQL.Engine;

/// <summary>Numbers distinct label keys in order of appearance; looking up an existing key allocates nothing.</summary>
internal sealed class LabelIndex
{
    private readonly Dictionary<byte[], int> _numbers;
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    public LabelIndex()
    {
        _numbers = new Dictionary<byte[], int>(new KeyComparer());
        _lookup = _numbers.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public int Count => _numbers.Count;

    /// <summary>The number of a key; a new one gets the next number.</summary>
    public int GetOrAdd(ReadOnlySpan<byte> key, out bool isNew)
    {
        isNew = !_lookup.TryGetValue(key, out var number);
        if (isNew)
        {
            number = _numbers.Count;
            _numbers.Add(key.ToArray(), number);
        }

        return number;
    }

    /// <summary>The number of a key, or -1.</summary>
    public int Find(ReadOnlySpan<byte> key) => _lookup.TryGetValue(key, out var number) ? number : -1;

    private sealed class KeyComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)StableHash.Hash64(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}

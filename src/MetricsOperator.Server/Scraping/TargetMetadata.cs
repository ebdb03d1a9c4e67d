using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Hashing;

namespace MetricsOperator.Server.Scraping;

/// <summary>
/// What a target says about its metric families. Written by its scrape loop, read by anyone; allocates only when something changes.
/// </summary>
internal sealed class TargetMetadata(MetadataPool pool)
{
    private static readonly MetricMetadata Nothing = new("unknown", string.Empty, string.Empty);

    private readonly ConcurrentDictionary<byte[], MetricMetadata> _families = new(concurrencyLevel: 1, capacity: 31, Utf8Keys.Instance);

    /// <summary>Families with their metadata, in no order.</summary>
    public IEnumerable<KeyValuePair<string, MetricMetadata>> Families =>
        _families.Select(f => KeyValuePair.Create(Encoding.UTF8.GetString(f.Key), f.Value));

    public void SetType(ReadOnlySpan<byte> family, ReadOnlySpan<byte> type)
    {
        var current = Get(family);
        type = type.SequenceEqual("untyped"u8) ? "unknown"u8 : type;
        if (!Same(type, current.Type))
        {
            Put(family, current with { Type = Encoding.UTF8.GetString(type) });
        }
    }

    public void SetHelp(ReadOnlySpan<byte> family, ReadOnlySpan<byte> help)
    {
        var current = Get(family);
        if (!Same(help, current.Help))
        {
            Put(family, current with { Help = Encoding.UTF8.GetString(help) });
        }
    }

    public void SetUnit(ReadOnlySpan<byte> family, ReadOnlySpan<byte> unit)
    {
        var current = Get(family);
        if (!Same(unit, current.Unit))
        {
            Put(family, current with { Unit = Encoding.UTF8.GetString(unit) });
        }
    }

    private static bool Same(ReadOnlySpan<byte> utf8, string text)
    {
        if (utf8.Length < text.Length)
        {
            return false;
        }

        var rented = ArrayPool<char>.Shared.Rent(utf8.Length);
        var same = text.AsSpan().SequenceEqual(rented.AsSpan(0, Encoding.UTF8.GetChars(utf8, rented)));
        ArrayPool<char>.Shared.Return(rented);
        return same;
    }

    private MetricMetadata Get(ReadOnlySpan<byte> family) =>
        _families.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(family, out var metadata) ? metadata : Nothing;

    private void Put(ReadOnlySpan<byte> family, MetricMetadata metadata) => _families[family.ToArray()] = pool.Share(metadata);

    private sealed class Utf8Keys : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly Utf8Keys Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => (int)StableHash.Hash64(obj);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)StableHash.Hash64(alternate);

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}

/// <summary>Lets targets that describe a metric alike share one description. Thread-safe.</summary>
internal sealed class MetadataPool
{
    private const int MaxEntries = 20_000;
    private readonly ConcurrentDictionary<MetricMetadata, MetricMetadata> _shared = new(concurrencyLevel: 1, capacity: 31);

    public MetricMetadata Share(MetricMetadata metadata)
    {
        // Targets come and go; starting over now and then is simpler than counting references.
        if (_shared.Count >= MaxEntries)
        {
            _shared.Clear();
        }

        return _shared.GetOrAdd(metadata, metadata);
    }
}

using System.Text;
using MetricsOperator.Timeseries.Hashing;

namespace MetricsOperator.Timeseries.Labels;

/// <summary>
/// Immutable labels of one series, sorted bytewise by name, in one UTF-8 buffer. Names are unique; a label with an empty value
/// does not exist. Order and equality are those of Prometheus: label by label, name then value, a prefix sorts first.
/// </summary>
public sealed class LabelSet : IEquatable<LabelSet>, IComparable<LabelSet>
{
    /// <summary>The set without labels.</summary>
    public static readonly LabelSet Empty = new([], 0);

    private readonly byte[] _data;

    // Computed when first wanted; 0 until then (and ever after for a set whose hash is 0).
    private ulong _hash;

    /// <summary>Takes ownership of <paramref name="data"/>, which the caller guarantees to be sorted, unique and without empty values.</summary>
    internal LabelSet(byte[] data, int count)
    {
        _data = data;
        Count = count;
    }

    /// <summary>Number of labels.</summary>
    public int Count { get; }

    /// <summary>Hash over names and values, the same in every process.</summary>
    public ulong Hash => _hash != 0 ? _hash : _hash = StableHash.Hash64(_data);

    /// <summary>The encoded labels: per label uvarint length, name, uvarint length, value. Equal sets have equal bytes.</summary>
    public ReadOnlySpan<byte> Encoded => _data;

    /// <summary>Value of <c>__name__</c>, or an empty string.</summary>
    public string MetricName => Get(LabelNames.MetricName);

    public static bool operator ==(LabelSet? left, LabelSet? right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(LabelSet? left, LabelSet? right) => !(left == right);

    public static bool operator <(LabelSet left, LabelSet right) => left.CompareTo(right) < 0;

    public static bool operator >(LabelSet left, LabelSet right) => left.CompareTo(right) > 0;

    public static bool operator <=(LabelSet left, LabelSet right) => left.CompareTo(right) <= 0;

    public static bool operator >=(LabelSet left, LabelSet right) => left.CompareTo(right) >= 0;

    /// <summary>Builds a set from pairs in any order; empty values are left out, the last of a repeated name wins.</summary>
    public static LabelSet Of(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        var builder = new LabelSetBuilder();
        foreach (var (name, value) in labels)
        {
            builder.Set(name, value);
        }

        return builder.Build();
    }

    /// <summary>Builds a set from bytes as <see cref="Encoded"/> gives them; null when they are cut short, unsorted or hold an empty value.</summary>
    public static LabelSet? FromEncoded(ReadOnlySpan<byte> encoded)
    {
        var position = 0;
        var count = 0;
        ReadOnlySpan<byte> previous = default;
        while (position < encoded.Length)
        {
            if (!LabelEncoding.TryRead(encoded, ref position, out var name)
                || !LabelEncoding.TryRead(encoded, ref position, out var value)
                || value.IsEmpty
                || (count > 0 && previous.SequenceCompareTo(name) >= 0))
            {
                return null;
            }

            previous = name;
            count++;
        }

        return count == 0 ? Empty : new LabelSet(encoded.ToArray(), count);
    }

    /// <summary>The value of a label as UTF-8, valid as long as this object; empty when the label does not exist.</summary>
    public ReadOnlySpan<byte> GetUtf8(ReadOnlySpan<byte> name)
    {
        foreach (var label in this)
        {
            var order = label.Name.SequenceCompareTo(name);
            if (order == 0)
            {
                return label.Value;
            }

            if (order > 0)
            {
                break;
            }
        }

        return default;
    }

    /// <summary>The value of a label; an empty string when the label does not exist.</summary>
    public string Get(string name)
    {
        Span<byte> buffer = stackalloc byte[256];
        var max = Encoding.UTF8.GetMaxByteCount(name.Length);
        var utf8 = max <= buffer.Length ? buffer : new byte[max];
        var value = GetUtf8(utf8[..Encoding.UTF8.GetBytes(name, utf8)]);
        return value.IsEmpty ? string.Empty : Encoding.UTF8.GetString(value);
    }

    /// <summary>True if a label of this name exists.</summary>
    public bool Has(string name) => Get(name).Length > 0;

    /// <summary>Enumerates labels in name order without allocating.</summary>
    public Enumerator GetEnumerator() => new(_data);

    /// <summary>All labels as strings, in order; for edges (JSON, tests), not for hot paths.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> ToPairs()
    {
        var pairs = new List<KeyValuePair<string, string>>(Count);
        foreach (var label in this)
        {
            pairs.Add(new(Encoding.UTF8.GetString(label.Name), Encoding.UTF8.GetString(label.Value)));
        }

        return pairs;
    }

    public int CompareTo(LabelSet? other)
    {
        if (other is null)
        {
            return 1;
        }

        return Compare(_data, other._data);
    }

    /// <summary>Orders two sets by their encoded labels.</summary>
    public static int Compare(ReadOnlySpan<byte> leftEncoded, ReadOnlySpan<byte> rightEncoded)
    {
        var same = leftEncoded.CommonPrefixLength(rightEncoded);
        if (same == leftEncoded.Length || same == rightEncoded.Length)
        {
            return leftEncoded.Length.CompareTo(rightEncoded.Length);
        }

        // The name or value with the first difference decides; which one it is, the lengths of those before tell.
        var start = 0;
        var end = 0;
        var left = LabelEncoding.Read(leftEncoded, ref end);
        while (end <= same)
        {
            start = end;
            left = LabelEncoding.Read(leftEncoded, ref end);
        }

        return left.SequenceCompareTo(LabelEncoding.Read(rightEncoded, ref start));
    }

    public bool Equals(LabelSet? other) =>
        ReferenceEquals(this, other) || (other is not null && _data.AsSpan().SequenceEqual(other._data));

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode() => (int)Hash;

    /// <summary>Prometheus' notation: <c>{__name__="up", job="a"}</c>, values quoted as Go does.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("{");
        foreach (var (name, value) in ToPairs())
        {
            if (text.Length > 1)
            {
                text.Append(", ");
            }

            text.Append(LabelNames.IsLegacyValid(name) ? name : LabelNames.Quote(name)).Append('=').Append(LabelNames.Quote(value));
        }

        return text.Append('}').ToString();
    }

    /// <summary>One label; the spans live as long as the set.</summary>
    public readonly ref struct Label(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        public ReadOnlySpan<byte> Name { get; } = name;

        public ReadOnlySpan<byte> Value { get; } = value;
    }

    /// <summary>Walks the labels of a set.</summary>
    public ref struct Enumerator
    {
        private readonly ReadOnlySpan<byte> _data;
        private int _position;

        internal Enumerator(ReadOnlySpan<byte> data) => _data = data;

        public Label Current { get; private set; }

        /// <summary>Where the current label ends in <see cref="Encoded"/>.</summary>
        public readonly int Position => _position;

        public bool MoveNext()
        {
            if (_position >= _data.Length)
            {
                return false;
            }

            var name = LabelEncoding.Read(_data, ref _position);
            Current = new Label(name, LabelEncoding.Read(_data, ref _position));
            return true;
        }
    }
}

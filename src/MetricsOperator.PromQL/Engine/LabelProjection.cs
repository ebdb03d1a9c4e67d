using System.Text;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine;

/// <summary>
/// Picks labels of a set into a reused buffer, in the encoding of <see cref="LabelSet.Encoded"/>: equal bytes are equal label sets, so
/// the bytes serve as grouping and matching keys without allocating. Not thread-safe.
/// </summary>
internal sealed class LabelProjection
{
    private static readonly byte[][] Reserved = ["__name__"u8.ToArray(), "__type__"u8.ToArray(), "__unit__"u8.ToArray()];

    [ThreadStatic]
    private static LabelProjection? _all;

    private readonly byte[][] _names;
    private readonly bool _keep;
    private byte[] _buffer = new byte[256];
    private int _length;

    private LabelProjection(IEnumerable<string> names, bool keep)
    {
        _names = names.Distinct(StringComparer.Ordinal).Select(Encoding.UTF8.GetBytes).ToArray();
        Array.Sort(_names, static (a, b) => a.AsSpan().SequenceCompareTo(b));
        _keep = keep;
    }

    /// <summary>Keeps only the named labels.</summary>
    public static LabelProjection Keeping(IEnumerable<string> names) => new(names, keep: true);

    /// <summary>Keeps all but the named labels.</summary>
    public static LabelProjection Dropping(IEnumerable<string> names) => new(names, keep: false);

    /// <summary>Keeps everything (but the reserved labels when asked to hide them).</summary>
    public static LabelProjection All() => new([], keep: false);

    public static bool IsReserved(ReadOnlySpan<byte> name) =>
        name.Length == 8 && name[0] == '_' && (name.SequenceEqual(Reserved[0]) || name.SequenceEqual(Reserved[1]) || name.SequenceEqual(Reserved[2]));

    /// <summary>The labels without <c>__name__</c>, <c>__type__</c> and <c>__unit__</c>.</summary>
    public static LabelSet WithoutReserved(LabelSet labels)
    {
        foreach (var label in labels)
        {
            if (IsReserved(label.Name))
            {
                return (_all ??= All()).ToLabels(labels, hideReserved: true);
            }
        }

        return labels;
    }

    /// <summary>The encoded labels without the reserved ones, where these are at most the name and it comes first; else empty.</summary>
    public static ReadOnlySpan<byte> BehindName(LabelSet labels)
    {
        var walk = labels.GetEnumerator();
        if (!walk.MoveNext() || !walk.Current.Name.SequenceEqual(Reserved[0]))
        {
            return default;
        }

        // The reserved names follow one another closely: what comes behind the last of them ends the search.
        var size = walk.Position;
        return walk.MoveNext() && walk.Current.Name.SequenceCompareTo(Reserved[^1]) > 0 ? labels.Encoded[size..] : default;
    }

    /// <summary>The bytes of the picked labels, valid until the next call.</summary>
    /// <param name="labels">The full set.</param>
    /// <param name="hideReserved">True if the reserved labels have been dropped already.</param>
    public ReadOnlySpan<byte> Pick(LabelSet labels, bool hideReserved)
    {
        _length = 0;

        // Both are sorted: each label is compared with the next name that may be it.
        var next = 0;
        foreach (var label in labels)
        {
            var order = -1;
            while (next < _names.Length && (order = label.Name.SequenceCompareTo(_names[next])) > 0)
            {
                next++;
            }

            if (_keep && next == _names.Length)
            {
                break;
            }

            if (order == 0 == _keep && !(hideReserved && IsReserved(label.Name)))
            {
                Append(label.Name);
                Append(label.Value);
            }
        }

        return _buffer.AsSpan(0, _length);
    }

    public LabelSet ToLabels(LabelSet labels, bool hideReserved) => LabelSet.FromEncoded(Pick(labels, hideReserved))!;

    private void Append(ReadOnlySpan<byte> text)
    {
        if (_buffer.Length < _length + text.Length + 5)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + text.Length + 5));
        }

        var length = (uint)text.Length;
        while (length >= 0x80)
        {
            _buffer[_length++] = (byte)(length | 0x80);
            length >>= 7;
        }

        _buffer[_length++] = (byte)length;
        text.CopyTo(_buffer.AsSpan(_length));
        _length += text.Length;
    }
}

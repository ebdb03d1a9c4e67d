using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Relabeling;

/// <summary>One compiled relabel rule. Keep, drop and the equality actions work on bytes and allocate nothing.</summary>
internal sealed class RelabelStep
{
    private readonly RelabelAction _action;
    private readonly byte[][] _sources;
    private readonly byte[] _separator;
    private readonly AnchoredRegex _regex;
    private readonly byte[] _targetUtf8;
    private readonly ReplacementTemplate _target;
    private readonly ReplacementTemplate _replacement;
    private readonly byte[] _replacementUtf8;
    private readonly bool _copies;
    private readonly bool _isConstant;
    private readonly ulong _modulus;

    public RelabelStep(RelabelRule rule, AnchoredRegex regex)
    {
        _action = rule.Action;
        _sources = [.. (rule.SourceLabels ?? []).Select(Encoding.UTF8.GetBytes)];
        _separator = Encoding.UTF8.GetBytes(rule.Separator);
        _regex = regex;
        _target = new ReplacementTemplate(rule.TargetLabel);
        _targetUtf8 = Encoding.UTF8.GetBytes(rule.TargetLabel);
        _replacement = new ReplacementTemplate(rule.Replacement);
        _replacementUtf8 = Encoding.UTF8.GetBytes(rule.Replacement);
        _modulus = rule.Modulus;
        var hasPlainTarget = !rule.TargetLabel.Contains('$');
        _copies = hasPlainTarget && regex.CapturesEverything && _replacement.IsFirstGroup;
        _isConstant = hasPlainTarget && !rule.Replacement.Contains('$');
    }

    /// <summary>Changes the labels; false when they are dropped.</summary>
    public bool Apply(LabelSetBuilder labels)
    {
        switch (_action)
        {
            case RelabelAction.LabelMap:
                MapNames(labels);
                return true;
            case RelabelAction.LabelDrop:
                RemoveNames(labels, matching: true);
                return true;
            case RelabelAction.LabelKeep:
                RemoveNames(labels, matching: false);
                return true;
        }

        if (_sources.Length == 1)
        {
            return Apply(labels, labels.GetUtf8(_sources[0]));
        }

        var size = Math.Max(0, _sources.Length - 1) * _separator.Length;
        foreach (var source in _sources)
        {
            size += labels.GetUtf8(source).Length;
        }

        if (size <= 512)
        {
            Span<byte> joined = stackalloc byte[512];
            return Apply(labels, joined[..Join(labels, joined)]);
        }

        var rented = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            return Apply(labels, rented.AsSpan(0, Join(labels, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private int Join(LabelSetBuilder labels, Span<byte> destination)
    {
        var length = 0;
        for (var i = 0; i < _sources.Length; i++)
        {
            if (i > 0)
            {
                _separator.CopyTo(destination[length..]);
                length += _separator.Length;
            }

            var value = labels.GetUtf8(_sources[i]);
            value.CopyTo(destination[length..]);
            length += value.Length;
        }

        return length;
    }

    private bool Apply(LabelSetBuilder labels, ReadOnlySpan<byte> value)
    {
        switch (_action)
        {
            case RelabelAction.Keep:
                return _regex.IsMatch(value);
            case RelabelAction.Drop:
                return !_regex.IsMatch(value);
            case RelabelAction.KeepEqual:
                return labels.GetUtf8(_targetUtf8).SequenceEqual(value);
            case RelabelAction.DropEqual:
                return !labels.GetUtf8(_targetUtf8).SequenceEqual(value);
            case RelabelAction.HashMod:
                SetHash(labels, value);
                return true;
            case RelabelAction.Lowercase:
                labels.Set(_targetUtf8, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(value).ToLowerInvariant()));
                return true;
            case RelabelAction.Uppercase:
                labels.Set(_targetUtf8, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(value).ToUpperInvariant()));
                return true;
            default:
                Replace(labels, value);
                return true;
        }
    }

    private void Replace(LabelSetBuilder labels, ReadOnlySpan<byte> value)
    {
        // Fast path: copy a value, or set a constant, without making text of it.
        if (_copies)
        {
            labels.Set(_targetUtf8, value);
            return;
        }

        if (_isConstant)
        {
            if (_regex.IsMatch(value))
            {
                labels.Set(_targetUtf8, _replacementUtf8);
            }

            return;
        }

        if (!_regex.IsMatch(value))
        {
            return;
        }

        var text = Encoding.UTF8.GetString(value);
        if (_regex.Expand(text, _target) is { Length: > 0 } target && _regex.Expand(text, _replacement) is { } replacement)
        {
            labels.Set(target, replacement);
        }
    }

    // The last half of the MD5, big-endian, as every sharded Prometheus computes it.
    private void SetHash(LabelSetBuilder labels, ReadOnlySpan<byte> value)
    {
        Span<byte> hash = stackalloc byte[MD5.HashSizeInBytes];
#pragma warning disable CA5351 // Sharding has to agree with Prometheus; nothing is protected by this hash.
        MD5.HashData(value, hash);
#pragma warning restore CA5351
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(BinaryPrimitives.ReadUInt64BigEndian(hash[8..]) % _modulus, text, out var length);
        labels.Set(_targetUtf8, text[..length]);
    }

    private void MapNames(LabelSetBuilder labels)
    {
        // New labels are not mapped again, and a value is that from before the rule.
        var mapped = new List<(string Name, byte[] Value)>();
        for (var i = 0; i < labels.Count; i++)
        {
            if (_regex.IsMatch(labels.NameAt(i)) && _regex.Expand(Encoding.UTF8.GetString(labels.NameAt(i)), _replacement) is { Length: > 0 } name)
            {
                mapped.Add((name, labels.ValueAt(i).ToArray()));
            }
        }

        foreach (var (name, value) in mapped)
        {
            labels.Set(Encoding.UTF8.GetBytes(name), value);
        }
    }

    private void RemoveNames(LabelSetBuilder labels, bool matching)
    {
        for (var i = labels.Count - 1; i >= 0; i--)
        {
            if (_regex.IsMatch(labels.NameAt(i)) == matching)
            {
                labels.RemoveAt(i);
            }
        }
    }
}

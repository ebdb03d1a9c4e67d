using System.Text;

namespace MetricsOperator.Timeseries.Labels;

/// <summary>Builds a <see cref="LabelSet"/>, from nothing or by changing another one. Reusable after <see cref="Reset(LabelSet?)"/>; not thread-safe.</summary>
public sealed class LabelSetBuilder
{
    private readonly List<(byte[] Name, byte[] Value)> _labels = [];

    public LabelSetBuilder()
    {
    }

    public LabelSetBuilder(LabelSet from) => Reset(from);

    /// <summary>Starts over from <paramref name="from"/>, or from no labels.</summary>
    public LabelSetBuilder Reset(LabelSet? from = null)
    {
        _labels.Clear();
        if (from is not null)
        {
            foreach (var label in from)
            {
                _labels.Add((label.Name.ToArray(), label.Value.ToArray()));
            }
        }

        return this;
    }

    /// <summary>Sets a label; an empty value removes it.</summary>
    public LabelSetBuilder Set(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var index = Find(name);
        if (value.IsEmpty)
        {
            if (index >= 0)
            {
                _labels.RemoveAt(index);
            }
        }
        else if (index >= 0)
        {
            _labels[index] = (_labels[index].Name, value.ToArray());
        }
        else
        {
            _labels.Insert(~index, (name.ToArray(), value.ToArray()));
        }

        return this;
    }

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public LabelSetBuilder Set(string name, string value) => Set(Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(value));

    /// <summary>Removes a label if it exists.</summary>
    public LabelSetBuilder Remove(ReadOnlySpan<byte> name) => Set(name, default);

    /// <inheritdoc cref="Remove(ReadOnlySpan{byte})"/>
    public LabelSetBuilder Remove(string name) => Remove(Encoding.UTF8.GetBytes(name));

    /// <summary>The value of a label, or an empty string.</summary>
    public string Get(string name) => Encoding.UTF8.GetString(GetUtf8(Encoding.UTF8.GetBytes(name)));

    /// <summary>The value of a label as UTF-8, or empty; valid until the next change.</summary>
    public ReadOnlySpan<byte> GetUtf8(ReadOnlySpan<byte> name)
    {
        var index = Find(name);
        return index >= 0 ? _labels[index].Value : default;
    }

    /// <summary>Names that are set now, in order; a copy, so that the builder may be changed while walking it.</summary>
    public IReadOnlyList<string> Names() => _labels.ConvertAll(l => Encoding.UTF8.GetString(l.Name));

    /// <summary>The labels as an immutable set.</summary>
    public LabelSet Build()
    {
        if (_labels.Count == 0)
        {
            return LabelSet.Empty;
        }

        var size = 0;
        foreach (var (name, value) in _labels)
        {
            size += LabelEncoding.SizeOf(name.Length) + LabelEncoding.SizeOf(value.Length);
        }

        var data = new byte[size];
        var position = 0;
        foreach (var (name, value) in _labels)
        {
            position += LabelEncoding.Write(data.AsSpan(position), name);
            position += LabelEncoding.Write(data.AsSpan(position), value);
        }

        return new LabelSet(data, _labels.Count);
    }

    private int Find(ReadOnlySpan<byte> name)
    {
        var low = 0;
        var high = _labels.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var order = _labels[middle].Name.AsSpan().SequenceCompareTo(name);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return ~low;
    }
}

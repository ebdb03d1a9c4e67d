using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Index;

/// <summary>
/// Encodes the labels of series as <see cref="Timeseries.Labels.LabelSet.Encoded"/> has them, one series after another. Neighbours have
/// most of their labels in common: those are copied instead of looked up.
/// </summary>
internal sealed class SeriesLabels(IndexReader index)
{
    private ByteWriter _text = new(512);
    private ByteWriter _lastText = new(512);
    private List<Piece> _pieces = [];
    private List<Piece> _lastPieces = [];

    /// <summary>The labels of the current series, valid until the next but one.</summary>
    public ReadOnlySpan<byte> Encoded => _text.Written;

    /// <summary>Goes to a series.</summary>
    /// <exception cref="StorageException">The labels are not sorted, or one has no value.</exception>
    public void Encode(List<SymbolPair> pairs)
    {
        (_text, _lastText) = (_lastText, _text);
        (_pieces, _lastPieces) = (_lastPieces, _pieces);
        _text.Clear();
        _pieces.Clear();
        var sameNames = true;
        for (var i = 0; i < pairs.Count; i++)
        {
            var pair = pairs[i];
            var start = _text.Length;
            var last = i < _lastPieces.Count ? _lastPieces[i] : default;
            var sameName = i < _lastPieces.Count && last.Pair.Name == pair.Name;
            if (sameName)
            {
                _text.Bytes(_lastText.Written[last.Start..last.ValueStart]);
            }
            else
            {
                _text.Text(index.Symbol(pair.Name));
            }

            var valueStart = _text.Length;
            if (sameName && last.Pair.Value == pair.Value)
            {
                _text.Bytes(_lastText.Written[last.ValueStart..last.End]);
            }
            else
            {
                var value = index.Symbol(pair.Value);
                if (value.IsEmpty)
                {
                    throw Corrupt();
                }

                _text.Text(value);
            }

            // The order of names that the series before had too is known.
            sameNames &= sameName;
            if (!sameNames && i > 0 && index.Symbol(pairs[i - 1].Name).SequenceCompareTo(index.Symbol(pair.Name)) >= 0)
            {
                throw Corrupt();
            }

            _pieces.Add(new Piece(pair, start, valueStart, _text.Length));
        }
    }

    private StorageException Corrupt()
    {
        // What is left is not to be copied from.
        _pieces.Clear();
        return index.CorruptLabels();
    }

    private readonly record struct Piece(SymbolPair Pair, int Start, int ValueStart, int End);
}

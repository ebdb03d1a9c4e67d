namespace MetricsOperator.Server.Http;

/// <summary>Times of the series of a matrix as text. Series without gaps share their list of times: from the second of them on it is text already.</summary>
internal sealed class TimestampTexts
{
    private long[] _times = [];
    private byte[] _text = [];
    private int[] _ends = [];
    private bool _isText;

    /// <summary>Goes to the next series.</summary>
    /// <param name="timesMs">Its times.</param>
    public void Next(long[] timesMs)
    {
        if (!ReferenceEquals(timesMs, _times))
        {
            (_times, _isText) = (timesMs, false);
        }
        else if (!_isText)
        {
            Prepare();
        }
    }

    /// <summary>Writes a time of the series.</summary>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> destination, int index)
    {
        if (!_isText)
        {
            return NumberText.WriteTimestamp(destination, _times[index]);
        }

        var start = index == 0 ? 0 : _ends[index - 1];
        var text = _text.AsSpan(start, _ends[index] - start);
        text.CopyTo(destination);
        return text.Length;
    }

    private void Prepare()
    {
        _text = new byte[_times.Length * NumberText.MaxLength];
        _ends = new int[_times.Length];
        var length = 0;
        for (var i = 0; i < _times.Length; i++)
        {
            length += NumberText.WriteTimestamp(_text.AsSpan(length), _times[i]);
            _ends[i] = length;
        }

        _isText = true;
    }
}

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>
/// The start timestamps in a chunk (encodings 4 to 6), which follow the samples they belong to; they are read over and dropped. The
/// header byte says whether the first sample has one (0x80) and from which sample on all have one (low seven bits, 0 for none).
/// </summary>
internal readonly struct StartTimestamps(byte header)
{
    private readonly bool _hasFirst = (header & 0x80) != 0;
    private readonly int _from = header & 0x7F;

    /// <summary>Reads over what follows the sample at an index.</summary>
    public void Skip(ref BitReader reader, int sample)
    {
        if (sample == 0)
        {
            if (_hasFirst)
            {
                reader.Uvarint();
            }
        }
        else if (_from > 0 && sample >= _from)
        {
            Varbit.ReadSigned(ref reader);
        }
    }
}

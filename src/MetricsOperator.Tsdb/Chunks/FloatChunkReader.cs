namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Decodes a float chunk of either encoding (1 or 4) in batches. A value type: it can live in the reader that owns the bytes.</summary>
internal struct FloatChunkReader
{
    private readonly bool _isXor2;
    private XorChunkReader _xor;
    private Xor2ChunkReader _xor2;

    /// <summary>Starts at the first of <paramref name="total"/> samples.</summary>
    public FloatChunkReader(ChunkEncoding encoding, int total)
    {
        _isXor2 = encoding == ChunkEncoding.Xor2;
        if (_isXor2)
        {
            _xor2 = new Xor2ChunkReader(total);
        }
        else
        {
            _xor = new XorChunkReader(total);
        }
    }

    /// <summary>Samples that are left.</summary>
    public readonly int Remaining => _isXor2 ? _xor2.Remaining : _xor.Remaining;

    /// <summary>Decodes up to the length of the spans; -1 when the bytes are not a chunk of so many samples.</summary>
    public int Read(ReadOnlySpan<byte> chunk, Span<long> timestamps, Span<double> values) =>
        _isXor2 ? _xor2.Read(chunk, timestamps, values) : _xor.Read(chunk, timestamps, values);
}

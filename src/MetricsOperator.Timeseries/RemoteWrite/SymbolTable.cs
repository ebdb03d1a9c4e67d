namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>The texts of a 2.0 request, which its series name by index.</summary>
internal readonly ref struct SymbolTable
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly (int Offset, int Length)[] _symbols;
    private readonly int _count;

    private SymbolTable(ReadOnlySpan<byte> body, (int Offset, int Length)[] symbols, int count)
    {
        _body = body;
        _symbols = symbols;
        _count = count;
    }

    /// <summary>Collects the symbols of a request; what is malformed is left to the walk over the request.</summary>
    public static SymbolTable Read(ReadOnlySpan<byte> body)
    {
        var symbols = new (int, int)[256];
        var count = 0;
        var fields = new ProtobufReader(body);
        while (fields.Next())
        {
            if (fields.Field != 4 || fields.Wire != WireType.Bytes)
            {
                continue;
            }

            if (count == symbols.Length)
            {
                Array.Resize(ref symbols, count * 2);
            }

            symbols[count++] = (fields.BytesOffset, fields.Bytes.Length);
        }

        return new SymbolTable(body, symbols, count);
    }

    public bool TryGet(ulong index, out ReadOnlySpan<byte> text)
    {
        if (index >= (ulong)_count)
        {
            text = default;
            return false;
        }

        var (offset, length) = _symbols[index];
        text = _body.Slice(offset, length);
        return true;
    }
}

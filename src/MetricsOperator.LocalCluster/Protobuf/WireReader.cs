using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Protobuf;

/// <summary>Walks the fields of one protobuf message.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;
    private int _wireType;

    /// <summary>Moves to the next field; false at the end.</summary>
    /// <exception cref="ApiStatusException">400 for a damaged message.</exception>
    public bool Next(out int number)
    {
        if (_rest.IsEmpty)
        {
            number = 0;
            return false;
        }

        var tag = Varint();
        number = (int)(tag >> 3);
        _wireType = (int)(tag & 7);
        return true;
    }

    public ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (_rest.IsEmpty)
            {
                throw Damaged();
            }

            var next = _rest[0];
            _rest = _rest[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Damaged();
    }

    public ReadOnlySpan<byte> Bytes()
    {
        var length = Varint();
        if (_wireType != 2 || length > (ulong)_rest.Length)
        {
            throw Damaged();
        }

        var bytes = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return bytes;
    }

    /// <summary>Passes over the value of the current field.</summary>
    public void Skip()
    {
        switch (_wireType)
        {
            case 0:
                Varint();
                break;
            case 1 when _rest.Length >= 8:
                _rest = _rest[8..];
                break;
            case 2:
                Bytes();
                break;
            case 5 when _rest.Length >= 4:
                _rest = _rest[4..];
                break;
            default:
                throw Damaged();
        }
    }

    private static ApiStatusException Damaged() => ApiErrors.BadRequest("the protobuf body is damaged");
}

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>Snappy block format (not the framed one), as remote write and remote read send it.</summary>
public static class SnappyBlock
{
    /// <summary>Decodes a block.</summary>
    /// <param name="compressed">The whole block.</param>
    /// <param name="maxBytes">Most bytes the decoded block may have.</param>
    /// <param name="decoded">The decoded bytes.</param>
    /// <param name="error">Why not, when the answer is false.</param>
    public static bool TryDecode(ReadOnlySpan<byte> compressed, int maxBytes, out byte[] decoded, out string error) => throw new NotImplementedException();

    /// <summary>Encodes a block.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> data) => throw new NotImplementedException();
}

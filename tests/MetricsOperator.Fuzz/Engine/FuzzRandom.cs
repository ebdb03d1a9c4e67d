namespace MetricsOperator.Fuzz.Engine;

/// <summary>A small fast generator (xorshift64*), the same in every process for a seed.</summary>
internal sealed class FuzzRandom(int seed)
{
    private ulong _state = ((ulong)(uint)seed * 0x9E3779B97F4A7C15) | 1;

    public ulong Next()
    {
        _state ^= _state >> 12;
        _state ^= _state << 25;
        _state ^= _state >> 27;
        return _state * 0x2545F4914F6CDD1D;
    }

    /// <summary>From 0 to below <paramref name="end"/>, which is at least 1.</summary>
    public int Next(int end) => (int)(((Next() >> 32) * (ulong)(uint)end) >> 32);
}

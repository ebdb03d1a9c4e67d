using System.Buffers;
using System.Security.Cryptography;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>Names of blocks: 48 bits of time and 80 random bits in 26 characters of Crockford's base 32.</summary>
internal static class Ulid
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Length = 26;

    private static readonly SearchValues<char> Characters = SearchValues.Create(Alphabet);

    public static string New(TimeProvider time)
    {
        var value = (UInt128)(ulong)time.GetUtcNow().ToUnixTimeMilliseconds() << 80;
        Span<byte> random = stackalloc byte[10];
        RandomNumberGenerator.Fill(random);
        UInt128 low = 0;
        foreach (var b in random)
        {
            low = (low << 8) | b;
        }

        value |= low;
        return string.Create(Length, value, static (text, v) =>
        {
            for (var i = Length - 1; i >= 0; i--)
            {
                text[i] = Alphabet[(int)(ulong)(v & 31)];
                v >>= 5;
            }
        });
    }

    /// <summary>True for 26 characters of the alphabet whose value fits into 128 bits.</summary>
    public static bool IsValid(ReadOnlySpan<char> text) => text.Length == Length && text[0] <= '7' && !text.ContainsAnyExcept(Characters);
}

using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MetricsOperator.Server.RemoteWrite;

/// <summary>Stands for the bytes of encoded labels: 128 bits of a hash that is another one in every process, so that nobody can aim at a collision.</summary>
internal readonly record struct LabelsKey(ulong First, ulong Second)
{
    private const int BlockBytes = 16;

    private static readonly ulong FirstSecret = Secret();
    private static readonly ulong SecondSecret = Secret();
    private static readonly ulong ThirdSecret = Secret();

    public static LabelsKey Of(ReadOnlySpan<byte> data)
    {
        // Two folded products over all of the data, each under its own secret.
        var first = FirstSecret ^ (ulong)data.Length;
        var second = SecondSecret + (ulong)data.Length;
        var rest = data;
        for (; rest.Length >= BlockBytes; rest = rest[BlockBytes..])
        {
            Mix(rest, ref first, ref second);
        }

        if (!rest.IsEmpty)
        {
            Span<byte> last = stackalloc byte[BlockBytes];
            last.Clear();
            rest.CopyTo(last);
            Mix(last, ref first, ref second);
        }

        return new LabelsKey(Fold(first ^ ThirdSecret, second ^ FirstSecret), Fold(second ^ ThirdSecret, first ^ SecondSecret));
    }

    private static void Mix(ReadOnlySpan<byte> block, ref ulong first, ref ulong second)
    {
        var low = BinaryPrimitives.ReadUInt64LittleEndian(block);
        var high = BinaryPrimitives.ReadUInt64LittleEndian(block[sizeof(ulong)..]);
        first = Fold(low ^ SecondSecret, high ^ first);
        second = Fold(low ^ second, high ^ ThirdSecret);
    }

    private static ulong Fold(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }

    private static ulong Secret()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        RandomNumberGenerator.Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes) | 1;
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;

namespace MetricsOperator.Timeseries.Samples;

/// <summary>
/// The shortest decimal that reads back as the same float and, of those, the closest: Schubfach, after Raffaello Giulietti, "The Schubfach way to
/// render doubles" (2020). Three products of 64 by 128 bits take the place of the loop over digits.
/// </summary>
internal static class ShortestDecimal
{
    /// <summary>Most digits of one.</summary>
    public const int MaxDigits = 17;

    private const int MinPower = -292;
    private const int MaxPower = 324;
    private const int FractionBits = 52;
    private const int ExponentBias = 1075;

    // Powers of ten as the upper 128 bits, rounded up. Few of them are ever asked for, so that each is computed when it is: 0 until then.
    private static readonly ulong[] UpperHalves = new ulong[MaxPower - MinPower + 1];
    private static readonly ulong[] LowerHalves = new ulong[MaxPower - MinPower + 1];

    /// <summary>Digits (without zeros at their end) and a power of ten: together the magnitude of a finite value that is not 0.</summary>
    public static (ulong Digits, int Exponent) Of(double value)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        var fraction = bits & ((1UL << FractionBits) - 1);
        var biased = (int)(bits >> FractionBits) & 0x7ff;
        var significand = biased == 0 ? fraction : fraction | (1UL << FractionBits);
        var exponent = Math.Max(biased, 1) - ExponentBias;
        if (exponent is <= 0 and > -FractionBits - 1 && (significand & ((1UL << -exponent) - 1)) == 0)
        {
            return WithoutZeros(significand >> -exponent, 0);
        }

        // The interval of what reads back as the value, in quarters: it ends in the middle between its neighbours. The lower one is nearer at a power of two.
        var isLowerNearer = fraction == 0 && biased > 1;
        var odd = significand & 1;
        var power = ((exponent * 1262611) - (isLowerNearer ? 524031 : 0)) >> 22;
        var shift = exponent + FloorLog2OfPower(-power) + 1;
        var (high, low) = Power(-power);
        var middle = RoundToOdd(high, low, (4 * significand) << shift);
        var from = RoundToOdd(high, low, ((4 * significand) - 2 + (isLowerNearer ? 1UL : 0)) << shift) + odd;
        var to = RoundToOdd(high, low, ((4 * significand) + 2) << shift) - odd;

        var digits = middle / 4;
        if (digits >= 10)
        {
            // One digit less, if exactly one such number lies in the interval.
            var shorter = digits / 10;
            var isDown = from <= 40 * shorter;
            var isUp = (40 * shorter) + 40 <= to;
            if (isDown != isUp)
            {
                return WithoutZeros(shorter + (isUp ? 1UL : 0), power + 1);
            }
        }

        var isBelow = from <= 4 * digits;
        var isAbove = (4 * digits) + 4 <= to;
        if (isBelow != isAbove)
        {
            return WithoutZeros(digits + (isAbove ? 1UL : 0), power);
        }

        // Both or none: the closer one, the even one of equals.
        var half = (4 * digits) + 2;
        return WithoutZeros(digits + (middle > half || (middle == half && (digits & 1) != 0) ? 1UL : 0), power);
    }

    // The upper 64 bits of a product of 192, whose last bit says whether anything was cut off. The power may be one too large, which is not looked at.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong RoundToOdd(ulong high, ulong low, ulong factor)
    {
        var carried = Math.BigMul(low, factor, out _);
        var upper = Math.BigMul(high, factor, out var middle);
        middle += carried;
        upper += middle < carried ? 1UL : 0;
        return upper | (middle > 1 ? 1UL : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int FloorLog2OfPower(int power) => (power * 1741647) >> 19;

    private static (ulong Digits, int Exponent) WithoutZeros(ulong digits, int exponent)
    {
        while (true)
        {
            var shorter = digits / 10;
            if (shorter * 10 != digits)
            {
                return (digits, exponent);
            }

            (digits, exponent) = (shorter, exponent + 1);
        }
    }

    private static (ulong High, ulong Low) Power(int power)
    {
        var index = power - MinPower;
        var high = Volatile.Read(ref UpperHalves[index]);
        return high != 0 ? (high, LowerHalves[index]) : Compute(power);
    }

    // Threads that do it at once write the same; the upper half, which says that both are there, last.
    private static (ulong High, ulong Low) Compute(int power)
    {
        var magnitude = BigInteger.Pow(10, Math.Abs(power));
        var bits = (int)magnitude.GetBitLength();
        var (numerator, denominator) = power < 0 ? (BigInteger.One << (127 + bits), magnitude)
            : bits <= 128 ? (magnitude << (128 - bits), BigInteger.One)
            : (magnitude, BigInteger.One << (bits - 128));
        var upper = (UInt128)((numerator + denominator - 1) / denominator);
        LowerHalves[power - MinPower] = (ulong)upper;
        Volatile.Write(ref UpperHalves[power - MinPower], (ulong)(upper >> 64));
        return ((ulong)(upper >> 64), (ulong)upper);
    }
}

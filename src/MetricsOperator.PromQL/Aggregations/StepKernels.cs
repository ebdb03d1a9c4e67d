using System.Numerics;
using System.Runtime.InteropServices;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Functions;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary>
/// Loops over the steps of columns: where 64 steps in a row are present, several are computed at a time; the results are the same bits as
/// those of the scalar twins.
/// </summary>
internal static class StepKernels
{
    /// <summary>Adds one where a step is present.</summary>
    public static void CountPresent(Span<double> counts, in StepMask present)
    {
        for (var word = 0; word * 64 < counts.Length; word++)
        {
            var bits = present.Word(word);
            var part = counts.Slice(word * 64, Math.Min(64, counts.Length - (word * 64)));
            if (bits == All(part.Length))
            {
                var wide = MemoryMarshal.Cast<double, Vector<double>>(part);
                foreach (ref var lanes in wide)
                {
                    lanes += Vector<double>.One;
                }

                foreach (ref var count in part[(wide.Length * Vector<double>.Count)..])
                {
                    count++;
                }

                continue;
            }

            for (; bits != 0; bits &= bits - 1)
            {
                part[BitOperations.TrailingZeroCount(bits)]++;
            }
        }
    }

    /// <summary>Adds terms, where they are present, to compensated sums; the first term of a step becomes the sum.</summary>
    /// <param name="terms">Terms by step.</param>
    /// <param name="present">Steps that have one.</param>
    /// <param name="sums">Sums by step.</param>
    /// <param name="compensations">Their compensations.</param>
    /// <param name="started">Steps that have a sum; extended.</param>
    public static void AddCompensated(
        ReadOnlySpan<double> terms, in StepMask present, Span<double> sums, Span<double> compensations, ref StepMask started)
    {
        for (var word = 0; word * 64 < sums.Length; word++)
        {
            var from = word * 64;
            var length = Math.Min(64, sums.Length - from);
            var bits = present.Word(word);
            var old = started.Word(word);
            var all = All(length);
            if (bits == all && old == all)
            {
                AddCompensated(terms.Slice(from, length), sums.Slice(from, length), compensations.Slice(from, length));
                continue;
            }

            if (bits == all && old == 0)
            {
                terms.Slice(from, length).CopyTo(sums[from..]);
                started.OrWord(word, bits);
                continue;
            }

            started.OrWord(word, bits);
            for (; bits != 0; bits &= bits - 1)
            {
                var bit = BitOperations.TrailingZeroCount(bits);
                var step = from + bit;
                if ((old >> bit & 1) != 0)
                {
                    KahanSum.Add(terms[step], ref sums[step], ref compensations[step]);
                }
                else
                {
                    sums[step] = terms[step];
                }
            }
        }
    }

    /// <summary>Adds each term to the compensated sum at its place.</summary>
    public static void AddCompensated(ReadOnlySpan<double> terms, Span<double> sums, Span<double> compensations)
    {
        var wide = MemoryMarshal.Cast<double, Vector<double>>(terms);
        var wideSums = MemoryMarshal.Cast<double, Vector<double>>(sums);
        var wideCompensations = MemoryMarshal.Cast<double, Vector<double>>(compensations);
        var infinity = new Vector<double>(double.PositiveInfinity);
        for (var i = 0; i < wide.Length; i++)
        {
            var (sum, term) = (wideSums[i], wide[i]);
            var total = sum + term;
            var lost = Vector.ConditionalSelect(
                Vector.GreaterThanOrEqual(Vector.Abs(sum), Vector.Abs(term)), (sum - total) + term, (term - total) + sum);
            wideCompensations[i] = Vector.ConditionalSelect(
                Vector.Equals(Vector.Abs(total), infinity), Vector<double>.Zero, wideCompensations[i] + lost);
            wideSums[i] = total;
        }

        var done = wide.Length * Vector<double>.Count;
        AddCompensatedScalar(terms[done..], sums[done..], compensations[done..]);
    }

    /// <summary>The twin of <see cref="AddCompensated(ReadOnlySpan{double}, Span{double}, Span{double})"/>, one by one.</summary>
    public static void AddCompensatedScalar(ReadOnlySpan<double> terms, Span<double> sums, Span<double> compensations)
    {
        for (var i = 0; i < terms.Length; i++)
        {
            KahanSum.Add(terms[i], ref sums[i], ref compensations[i]);
        }
    }

    private static ulong All(int steps) => ulong.MaxValue >> (64 - steps);
}

using MetricsOperator.PromQL.Aggregations;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Functions;
using MetricsOperator.TestKit;

namespace MetricsOperator.PromQL.Tests.Aggregations;

public sealed class StepKernelsTests
{
    private static readonly double[] Special = [0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e308, -1e308, 1e-300, 1, -1];

    [Fact]
    public void Compensated_sums_are_the_same_bits_as_those_of_the_scalar_twin() => SeededRandom.Run(random =>
    {
        for (var round = 0; round < 500; round++)
        {
            var length = random.Next(0, 70);
            double[] sums = Values(random, length), compensations = Values(random, length), terms = Values(random, length);
            double[] scalarSums = [.. sums], scalarCompensations = [.. compensations];

            StepKernels.AddCompensated(terms, sums, compensations);
            StepKernels.AddCompensatedScalar(terms, scalarSums, scalarCompensations);

            Assert.Equal(Bits(scalarSums), Bits(sums));
            Assert.Equal(Bits(scalarCompensations), Bits(compensations));
        }
    });

    [Fact]
    public void Sums_and_counts_of_columns_with_gaps_are_those_of_a_loop_over_steps() => SeededRandom.Run(random =>
    {
        for (var round = 0; round < 200; round++)
        {
            var steps = random.Next(1, 300);
            double[] sums = new double[steps], compensations = new double[steps], counts = new double[steps];
            double[] wantedSums = new double[steps], wantedCompensations = new double[steps], wantedCounts = new double[steps];
            var started = new StepMask(steps);
            for (var column = 0; column < 5; column++)
            {
                var terms = Values(random, steps);
                var present = new StepMask(steps);
                var share = random.Next(3) switch { 0 => 0.0, 1 => 0.5, _ => 1.1 };
                for (var i = 0; i < steps; i++)
                {
                    // Whole words of 64 steps are present, or absent, or mixed.
                    if (random.NextDouble() < ((i / 64) + column) % 3 * share)
                    {
                        present.Set(i);
                        if (wantedCounts[i]++ == 0)
                        {
                            wantedSums[i] = terms[i];
                        }
                        else
                        {
                            KahanSum.Add(terms[i], ref wantedSums[i], ref wantedCompensations[i]);
                        }
                    }
                }

                StepKernels.AddCompensated(terms, present, sums, compensations, ref started);
                StepKernels.CountPresent(counts, present);
            }

            Assert.Equal(wantedCounts, counts);
            for (var i = 0; i < steps; i++)
            {
                Assert.Equal(wantedCounts[i] > 0, started[i]);
            }

            Assert.Equal(Bits(wantedSums), Bits(sums));
            Assert.Equal(Bits(wantedCompensations), Bits(compensations));
        }
    });

    private static double[] Values(Random random, int count)
    {
        var values = new double[count];
        foreach (ref var value in values.AsSpan())
        {
            value = random.Next(4) == 0 ? Special[random.Next(Special.Length)] : (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-20, 20));
        }

        return values;
    }

    // NaN is NaN whatever its payload: which one comes out of an addition is the processor's choice.
    private static long[] Bits(double[] values) => Array.ConvertAll(values, v => BitConverter.DoubleToInt64Bits(double.IsNaN(v) ? double.NaN : v));
}

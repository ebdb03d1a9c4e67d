using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Fuzz.Targets;
using MetricsOperator.TestKit;

namespace MetricsOperator.Fuzz.Tests;

/// <summary>A short run of every target; the long ones are started by hand (docs/operations/fuzzing.md).</summary>
public sealed class FuzzTests
{
    public static TheoryData<string> Targets => [.. AllTargets.Create().Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Damaged_input_is_refused_cleanly(string name)
    {
        SeededRandom.Run(random =>
        {
            var target = AllTargets.Create().Single(t => t.Name == name);
            var result = new Fuzzer(target, new FuzzOptions { Inputs = 20_000, Seed = random.Next() }).Run();
            Assert.True(result.Inputs > 0);
            Assert.True(result.Failures.Count == 0, string.Join(Environment.NewLine, result.Failures));
        });
    }

    [Fact]
    public void Every_kind_of_failure_is_found_and_made_small()
    {
        var result = new Fuzzer(new FaultyTarget(), new FuzzOptions { Inputs = 200_000, Seed = 1, HangLimit = TimeSpan.FromSeconds(1) }).Run();
        Assert.Contains(result.Failures, f => f.What.Contains("IndexOutOfRangeException", StringComparison.Ordinal) && f.Input.Length == 1);
        Assert.Contains(result.Failures, f => f.What.Contains("allocated", StringComparison.Ordinal) && f.Input.Length == 1);
        Assert.Contains(result.Failures, f => f.What.Contains("hangs", StringComparison.Ordinal));
    }

    /// <summary>Does everything that a reader must not do.</summary>
    private sealed class FaultyTarget : FuzzTarget
    {
        private volatile bool _foundBoth;
        private int _found;

        public override string Name => "faulty";

        public override AllocationBound Bound => new(1024, 16);

        public override IReadOnlyList<byte[]> Seeds() => [[1, 2, 3, 4]];

        public override ulong Run(ReadOnlyMemory<byte> input)
        {
            var bytes = input.Span;
            if (bytes.Contains((byte)0xFF))
            {
                _found |= 1;
                return bytes[bytes.Length];
            }

            if (bytes.Contains((byte)0x80))
            {
                _found |= 2;
                return (ulong)new byte[100_000].Length;
            }

            _foundBoth |= _found == 3;
            while (_foundBoth && bytes.Contains((byte)0x7F))
            {
                Thread.Yield();
            }

            return 0;
        }
    }
}

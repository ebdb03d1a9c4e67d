namespace MetricsOperator.Fuzz.Engine;

/// <summary>Makes a failing input smaller while it fails in the same way.</summary>
internal static class Minimizer
{
    private const int MaxTrials = 4000;

    public static byte[] Shrink(FuzzTarget target, byte[] input, ulong problemKey)
    {
        var trials = 0;
        for (var size = Math.Max(1, input.Length / 2); ; size /= 2)
        {
            for (var at = 0; at < input.Length && trials < MaxTrials;)
            {
                var shorter = Without(input, at, size);
                if (target.HasChecksums)
                {
                    target.FixChecksums(shorter);
                }

                trials++;
                var trial = Trial.Of(target, shorter);
                if (trial.Problem is not null && trial.ProblemKey == problemKey)
                {
                    input = shorter;
                }
                else
                {
                    at += size;
                }
            }

            if (size <= 1 || trials >= MaxTrials)
            {
                return input;
            }
        }
    }

    private static byte[] Without(byte[] input, int at, int count) => [.. input.AsSpan(0, at), .. input.AsSpan(Math.Min(input.Length, at + count))];
}

using System.Globalization;

namespace MetricsOperator.TestKit;

/// <summary>Random input that can be repeated: the seed comes from <c>TEST_SEED</c> or the clock and is part of every failure message.</summary>
public static class SeededRandom
{
    /// <summary>Runs the body with a seeded generator; a failure names the seed.</summary>
    public static void Run(Action<Random> body, int? seed = null)
    {
        var chosen = seed ?? Seed();
        try
        {
            body(new Random(chosen));
        }
        catch (Exception e)
        {
            throw Named(chosen, e);
        }
    }

    /// <summary>Runs the body with a seeded generator; a failure names the seed.</summary>
    public static async Task RunAsync(Func<Random, Task> body, int? seed = null)
    {
        var chosen = seed ?? Seed();
        try
        {
            await body(new Random(chosen));
        }
        catch (Exception e)
        {
            throw Named(chosen, e);
        }
    }

    private static int Seed() =>
        int.TryParse(Environment.GetEnvironmentVariable("TEST_SEED"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var fixedSeed) ? fixedSeed : Environment.TickCount;

    private static InvalidOperationException Named(int seed, Exception e) =>
        new($"failed with TEST_SEED={seed.ToString(CultureInfo.InvariantCulture)}: {e.Message}", e);
}

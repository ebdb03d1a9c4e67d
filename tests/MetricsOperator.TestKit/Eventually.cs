using System.Diagnostics;
using Xunit.Sdk;

namespace MetricsOperator.TestKit;

/// <summary>Waits for something that another thread or process brings about.</summary>
public static class Eventually
{
    /// <summary>Polls until the condition holds; fails with <paramref name="what"/> after <paramref name="within"/> (30 s unless told).</summary>
    public static async Task True(Func<Task<bool>> condition, string what, TimeSpan? within = null, TimeSpan? every = null)
    {
        var limit = within ?? TimeSpan.FromSeconds(30);
        var watch = Stopwatch.StartNew();
        Exception? last = null;
        while (true)
        {
            try
            {
                if (await condition().ConfigureAwait(false))
                {
                    return;
                }

                last = null;
            }
            catch (Exception e) when (e is not XunitException)
            {
                // The thing waited for may answer with errors until it is there; the last one is part of the failure message.
                last = e;
            }

            if (watch.Elapsed > limit)
            {
                throw new XunitException($"not within {limit.TotalSeconds:0.#} s: {what}{(last is null ? "" : $"; last error: {last.Message}")}");
            }

            await Task.Delay(every ?? TimeSpan.FromMilliseconds(50)).ConfigureAwait(false);
        }
    }

    /// <inheritdoc cref="True(Func{Task{bool}}, string, TimeSpan?, TimeSpan?)"/>
    public static Task True(Func<bool> condition, string what, TimeSpan? within = null) => True(() => Task.FromResult(condition()), what, within);
}

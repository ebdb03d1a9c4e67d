using MetricsOperator.KubeClient.Controllers;
using MetricsOperator.TestKit;

namespace MetricsOperator.KubeClient.Tests.Controllers;

public sealed class WorkQueueTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public async Task Key_added_many_times_is_taken_once()
    {
        using var queue = Queue();
        for (var i = 0; i < 10; i++)
        {
            queue.Add("a");
        }

        Assert.Equal(1, queue.Depth);
        Assert.Equal("a", (await queue.TakeAsync(default)).Key);
        queue.Done("a");
        Assert.Equal(0, queue.Depth);
    }

    [Fact]
    public async Task Key_added_while_worked_on_comes_again_after_done_and_not_before()
    {
        using var queue = Queue();
        queue.Add("a");
        await queue.TakeAsync(default);
        queue.Add("a");
        queue.Add("a");
        Assert.Equal(0, queue.Depth);
        queue.Done("a");
        Assert.Equal(1, queue.Depth);
        await queue.TakeAsync(default);
        queue.Done("a");
        Assert.Equal(0, queue.Depth);
        Assert.Throws<InvalidOperationException>(() => queue.Done("a"));
    }

    [Fact]
    public async Task Higher_priority_goes_first_and_raises_a_waiting_key()
    {
        using var queue = Queue();
        queue.Add("a", -100);
        queue.Add("b");
        queue.Add("c", 50);
        queue.Add("d", -100);
        queue.Add("d", 100);
        queue.Add("d", -100);
        Assert.Equal(["d", "c", "b", "a"], await Drain(queue));
    }

    [Fact]
    public async Task Place_left_behind_by_a_raised_key_is_not_used_by_its_next_turn()
    {
        using var queue = Queue();
        queue.Add("d", -100);
        queue.Add("a", -100);
        queue.Add("d", 100);
        Assert.Equal("d", (await queue.TakeAsync(default)).Key);
        queue.Add("d", -100);
        queue.Done("d");
        Assert.Equal(["a", "d"], await Drain(queue));
    }

    [Fact]
    public async Task Equal_priority_is_first_in_first_out()
    {
        using var queue = Queue();
        foreach (var key in (string[])["x", "m", "a"])
        {
            queue.Add(key);
        }

        queue.Add("x");
        Assert.Equal(["x", "m", "a"], await Drain(queue));
    }

    [Fact]
    public async Task Of_several_delays_the_shortest_counts_and_an_add_beats_them_all()
    {
        using var queue = Queue();
        queue.AddAfter("a", TimeSpan.FromSeconds(10));
        queue.AddAfter("a", TimeSpan.FromSeconds(3));
        queue.AddAfter("a", TimeSpan.FromSeconds(7));
        _clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.Equal(0, queue.Depth);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(["a"], await Drain(queue));
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(0, queue.Depth);

        queue.AddAfter("b", TimeSpan.FromSeconds(5));
        queue.Add("b");
        Assert.Equal(["b"], await Drain(queue));
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(0, queue.Depth);
    }

    [Fact]
    public async Task Delay_asked_for_during_work_holds_after_done()
    {
        using var queue = Queue();
        queue.Add("a");
        await queue.TakeAsync(default);
        queue.AddAfter("a", TimeSpan.FromSeconds(5));
        queue.Done("a");
        Assert.Equal(0, queue.Depth);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(["a"], await Drain(queue));
    }

    [Fact]
    public async Task Delay_that_ends_during_work_makes_the_key_come_again()
    {
        using var queue = Queue();
        queue.Add("a");
        await queue.TakeAsync(default);
        queue.AddAfter("a", TimeSpan.FromSeconds(5));
        _clock.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(0, queue.Depth);
        queue.Done("a");
        Assert.Equal(1, queue.Depth);
    }

    [Fact]
    public async Task Backoff_doubles_to_its_limit_and_forget_starts_over()
    {
        using var queue = new WorkQueue<string>("test", new WorkQueueOptions { Time = _clock, Jitter = 0, MaxBackoff = TimeSpan.FromMilliseconds(35) });
        foreach (var want in (int[])[5, 10, 20, 35, 35])
        {
            queue.AddRateLimited("a");
            _clock.Advance(TimeSpan.FromMilliseconds(want - 0.5));
            Assert.Equal(0, queue.Depth);
            _clock.Advance(TimeSpan.FromMilliseconds(1.5));
            Assert.Equal(["a"], await Drain(queue));
        }

        Assert.Equal(5, queue.Failures("a"));
        queue.Forget("a");
        queue.AddRateLimited("a");
        _clock.Advance(TimeSpan.FromMilliseconds(6));
        Assert.Equal(1, queue.Depth);
    }

    [Fact]
    public async Task Waiting_takers_are_served_cancelled_and_released()
    {
        var queue = Queue();
        using var stop = new CancellationTokenSource();
        var cancelled = queue.TakeAsync(stop.Token).AsTask();
        var served = queue.TakeAsync(default).AsTask();
        var last = queue.TakeAsync(default).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        queue.Add("a");
        Assert.Equal("a", (await served).Key);
        queue.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => last);
        queue.Add("b");
        Assert.Equal(0, queue.Depth);
    }

    [Fact]
    public async Task Parallel_workers_never_share_a_key_and_miss_no_last_add()
    {
        using var queue = new WorkQueue<int>("parallel", new WorkQueueOptions { MinBackoff = TimeSpan.FromMilliseconds(1) });
        using var stop = new CancellationTokenSource();
        const int Keys = 7;
        var wanted = new int[Keys];
        var seen = new int[Keys];
        var busy = new int[Keys];
        var clashes = 0;
        var workers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    var key = (await queue.TakeAsync(stop.Token)).Key;
                    clashes += Interlocked.Exchange(ref busy[key], 1);
                    Volatile.Write(ref seen[key], Volatile.Read(ref wanted[key]));
                    await Task.Yield();
                    Volatile.Write(ref busy[key], 0);
                    queue.Done(key);
                }
            }
            catch (OperationCanceledException)
            {
                // The test is over.
            }
        })).ToArray();
        var writers = Enumerable.Range(0, 3).Select(w => Task.Run(() =>
        {
            var random = new Random(w);
            for (var i = 0; i < 5000; i++)
            {
                var key = random.Next(Keys);
                Interlocked.Increment(ref wanted[key]);
                switch (random.Next(4))
                {
                    case 0:
                        queue.AddRateLimited(key);
                        queue.Forget(key);
                        break;
                    case 1:
                        queue.AddAfter(key, TimeSpan.FromMilliseconds(random.Next(3)), random.Next(3));
                        break;
                    default:
                        queue.Add(key, random.Next(-2, 3));
                        break;
                }
            }
        })).ToArray();
        await Task.WhenAll(writers);

        await Eventually.True(() => wanted.SequenceEqual(seen), "every key seen in its last state");
        await stop.CancelAsync();
        await Task.WhenAll(workers);
        Assert.Equal(0, clashes);
    }

    [Fact]
    public void Model_of_dedupe_and_serialization_holds_for_random_histories() => SeededRandom.Run(random =>
    {
        using var queue = Queue();
        var ready = new HashSet<string>();
        var working = new HashSet<string>();
        var dirty = new HashSet<string>();
        for (var i = 0; i < 5000; i++)
        {
            var key = "k" + random.Next(5);
            switch (random.Next(3))
            {
                case 0:
                    queue.Add(key, random.Next(-1, 2));
                    (working.Contains(key) ? dirty : ready).Add(key);
                    break;
                case 1 when ready.Count > 0:
                    var taken = queue.TakeAsync(default).AsTask().Result.Key;
                    Assert.True(ready.Remove(taken));
                    Assert.True(working.Add(taken));
                    break;
                case 2 when working.Count > 0:
                    var done = working.First();
                    working.Remove(done);
                    queue.Done(done);
                    if (dirty.Remove(done))
                    {
                        ready.Add(done);
                    }

                    break;
            }

            Assert.Equal(ready.Count, queue.Depth);
        }
    });

    private static async Task<List<string>> Drain(WorkQueue<string> queue)
    {
        var keys = new List<string>();
        while (queue.Depth > 0)
        {
            var key = (await queue.TakeAsync(default)).Key;
            keys.Add(key);
            queue.Done(key);
        }

        return keys;
    }

    private WorkQueue<string> Queue() => new("test", new WorkQueueOptions { Time = _clock });
}

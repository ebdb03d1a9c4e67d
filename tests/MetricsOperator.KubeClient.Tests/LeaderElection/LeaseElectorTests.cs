using System.Net;
using System.Text;
using System.Text.Json;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.LeaderElection;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.TestKit;

namespace MetricsOperator.KubeClient.Tests.LeaderElection;

public sealed class LeaseElectorTests
{
    private readonly LeaseStore _store = new();

    [Fact]
    public async Task Second_candidate_waits_until_the_first_releases()
    {
        var clock = new FakeTimeProvider();
        await using var a = new Candidate("a", _store, clock);
        await Advance(clock, 1);
        await using var b = new Candidate("b", _store, clock);
        await Advance(clock, 60);
        Assert.True(a.Leads && !b.Leads);
        Assert.Equal("a", b.Elector.Leader);
        Assert.Equal(0, _store.Lease!.Spec!.LeaseTransitions);

        await a.StopAsync();
        Assert.Equal("", _store.Lease.Spec.HolderIdentity);
        await Advance(clock, 4);
        Assert.True(b.Leads);
        Assert.Equal(1, _store.Lease.Spec.LeaseTransitions);
    }

    [Fact]
    public async Task Leader_cut_off_stops_before_the_other_starts()
    {
        var clock = new FakeTimeProvider();
        await using var a = new Candidate("a", _store, clock);
        await Advance(clock, 1);
        await using var b = new Candidate("b", _store, clock);
        await Advance(clock, 10);
        a.Network.Down = true;
        var stoppedAt = -1.0;
        var startedAt = -1.0;
        for (var second = 0.0; second < 30; second += 0.5)
        {
            await Advance(clock, 0.5);
            Assert.False(a.Leads && b.Leads);
            Assert.False(a.Elector.HoldsLease && b.Elector.HoldsLease);
            stoppedAt = stoppedAt < 0 && !a.Leads ? second : stoppedAt;
            startedAt = startedAt < 0 && b.Leads ? second : startedAt;
        }

        Assert.InRange(stoppedAt, 7.5, 10.5);
        Assert.InRange(startedAt, stoppedAt + 2, 20);

        // The last step of a run that has ended waits for no timer, only for a thread.
        await Eventually.True(() => a.Finished, "the run of the first candidate ends");
    }

    [Fact]
    public async Task Leader_whose_calls_hang_is_stopped_at_the_deadline_all_the_same()
    {
        var clock = new FakeTimeProvider();
        await using var a = new Candidate("a", _store, clock);
        await Advance(clock, 5);
        Assert.True(a.Leads);
        a.Network.Hang = true;
        await Advance(clock, 8);
        Assert.True(a.Leads);
        await Advance(clock, 3);
        Assert.False(a.Leads);
        Assert.False(a.Elector.HoldsLease);
    }

    [Fact]
    public async Task Frozen_leader_knows_by_the_clock_that_the_lease_is_gone()
    {
        var clock = new ManualClock();
        using var connection = new KubeConnection(new ConnectionSettings { Server = new Uri("http://lease"), Token = new BearerToken(null, null, clock) }, new Network(_store));
        var elector = new LeaseElector(new KubeRestClient(connection, new KubeRestClientOptions { Qps = 0 }), Options("a", clock));
        using var stop = new CancellationTokenSource();
        var started = new TaskCompletionSource();
        var run = elector.RunAsync(
            async cancellation =>
            {
                started.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            },
            stop.Token);
        await started.Task;
        Assert.True(elector.HoldsLease);

        // No timer fires: the process was stopped and has just woken up.
        clock.Now += TimeSpan.FromSeconds(10);
        Assert.False(elector.HoldsLease);
        await stop.CancelAsync();
        await run;
    }

    [Fact]
    public void Never_two_leaders_under_random_failures_and_drifting_clocks() => SeededRandom.Run(random =>
    {
        var store = new LeaseStore();
        var clocks = Enumerable.Range(0, 3).Select(i => new FakeTimeProvider(new DateTimeOffset(2020 + (3 * i), 1, 1, 0, 0, 0, TimeSpan.Zero))).ToArray();
        var candidates = clocks.Select((clock, i) => new Candidate("c" + i, store, clock)).ToArray();
        var everLed = new HashSet<int>();
        for (var step = 0; step < 600; step++)
        {
            // Clocks differ by years and run up to 5 % apart.
            for (var i = 0; i < clocks.Length; i++)
            {
                clocks[i].Advance(TimeSpan.FromSeconds(0.5 * (1 + (0.05 * (i - 1)))));
                Thread.Yield();
                var victim = candidates[i];
                victim.Network.Down = random.Next(20) == 0 ? !victim.Network.Down : victim.Network.Down;
                victim.Network.LoseAnswers = random.Next(10) == 0;
                if (victim.Finished)
                {
                    candidates[i] = new Candidate("c" + i + "-" + step, store, clocks[i]);
                }
            }

            var leaders = candidates.Select((c, i) => (c, i)).Where(x => x.c.Leads).Select(x => x.i).ToList();
            Assert.True(leaders.Count <= 1, $"step {step}: leaders {string.Join(",", leaders)}");
            everLed.UnionWith(leaders);
        }

        Assert.True(everLed.Count > 1, "leadership never moved");
        foreach (var candidate in candidates)
        {
            Task.Run(async () => await candidate.DisposeAsync()).Wait();
        }
    });

    [Fact]
    public async Task Work_that_ends_by_itself_releases_the_lease()
    {
        var clock = new FakeTimeProvider();
        await using var a = new Candidate("a", _store, clock);
        await Advance(clock, 3);
        a.Finish();
        await Eventually.True(() => a.Finished && _store.Lease!.Spec!.HolderIdentity == "", "the release");
    }

    [Fact]
    public void Times_that_cannot_be_safe_are_refused()
    {
        using var connection = KubeConnection.ToServer(new Uri("http://x"));
        var client = new KubeRestClient(connection);
        Assert.Throws<ArgumentException>(() => new LeaseElector(client, Options("a", TimeProvider.System) with { RenewDeadline = TimeSpan.FromSeconds(15) }));
        Assert.Throws<ArgumentException>(() => new LeaseElector(client, Options("a", TimeProvider.System) with { RetryPeriod = TimeSpan.FromSeconds(10) }));
    }

    private static LeaseElectorOptions Options(string identity, TimeProvider clock)
        => new() { Namespace = "n", LeaseName = "l", Identity = identity, Time = clock };

    private static async Task Advance(FakeTimeProvider clock, double seconds)
    {
        for (var left = seconds; left > 0; left -= 0.25)
        {
            clock.Advance(TimeSpan.FromSeconds(Math.Min(left, 0.25)));
            for (var i = 0; i < 10; i++)
            {
                // Nearly everything runs inside Advance; what hops to another thread gets a chance here.
                await Task.Yield();
            }
        }
    }

    /// <summary>One candidate process with its own clock and network.</summary>
    private sealed class Candidate : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly TaskCompletionSource _finish = new();
        private readonly KubeConnection _connection;
        private readonly Task _run;
        private volatile bool _leads;

        public Candidate(string identity, LeaseStore store, FakeTimeProvider clock)
        {
            Network = new Network(store);
            _connection = new KubeConnection(new ConnectionSettings { Server = new Uri("http://lease"), Token = new BearerToken(null, null, clock) }, Network);
            Elector = new LeaseElector(new KubeRestClient(_connection, new KubeRestClientOptions { Qps = 0, Time = clock, MaxRetries = 0 }), Options(identity, clock));
            _run = RunAsync();
        }

        public LeaseElector Elector { get; }

        public Network Network { get; }

        public bool Leads => _leads;

        public bool Finished => _run.IsCompleted;

        public void Finish() => _finish.TrySetResult();

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _run.WaitAsync(TimeSpan.FromSeconds(10));
        }

        public async ValueTask DisposeAsync()
        {
            Network.Hang = false;
            await StopAsync();
            _connection.Dispose();
            _stop.Dispose();
        }

        private async Task RunAsync()
        {
            try
            {
                await Elector.RunAsync(
                    async cancellation =>
                    {
                        _leads = true;
                        using var registration = cancellation.Register(() =>
                        {
                            _leads = false;
                            _finish.TrySetResult();
                        });
                        await _finish.Task;
                        _leads = false;
                    },
                    _stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // Stopped while it waited for the lease.
            }
        }
    }

    /// <summary>The one Lease object, with optimistic locking.</summary>
    private sealed class LeaseStore
    {
        private readonly Lock _gate = new();
        private int _version = 1;

        public V1Lease? Lease { get; private set; }

        public (HttpStatusCode Code, V1Lease? Lease) Handle(HttpMethod method, V1Lease? sent)
        {
            lock (_gate)
            {
                if (method == HttpMethod.Get)
                {
                    return Lease is null ? (HttpStatusCode.NotFound, null) : (HttpStatusCode.OK, Lease);
                }

                if (method == HttpMethod.Post ? Lease is not null : sent!.Metadata.ResourceVersion != Lease!.Metadata.ResourceVersion)
                {
                    return (HttpStatusCode.Conflict, null);
                }

                Lease = sent! with { Metadata = sent.Metadata with { Uid = "u", ResourceVersion = (++_version).ToString() } };
                return (HttpStatusCode.OK, Lease);
            }
        }
    }

    /// <summary>The way from one candidate to the store: whole, down, hanging, or losing answers after the write happened.</summary>
    private sealed class Network(LeaseStore store) : HttpMessageHandler
    {
        public bool Down { get; set; }

        public bool Hang { get; set; }

        public bool LoseAnswers { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (Hang)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            if (Down)
            {
                throw new HttpRequestException("network is down");
            }

            var sent = request.Content is null ? null : JsonSerializer.Deserialize(await request.Content.ReadAsByteArrayAsync(cancellationToken), KubeJsonContext.Default.V1Lease);
            var (code, lease) = store.Handle(request.Method, sent);
            if (LoseAnswers)
            {
                throw new HttpRequestException("answer lost");
            }

            var body = lease is null ? "{}" : JsonSerializer.Serialize(lease, KubeJsonContext.Default.V1Lease);
            return new HttpResponseMessage(code) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        }
    }

    /// <summary>A clock whose timers never fire.</summary>
    private sealed class ManualClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => Now.Ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new NoTimer();

        private sealed class NoTimer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}

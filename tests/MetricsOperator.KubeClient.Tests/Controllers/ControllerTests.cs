using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Controllers;
using MetricsOperator.KubeClient.Diagnostics;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.KubeClient.Tests.FakeApi;
using MetricsOperator.KubeClient.Watching;
using MetricsOperator.TestKit;

namespace MetricsOperator.KubeClient.Tests.Controllers;

public sealed class ControllerTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public async Task Result_decides_when_the_key_comes_again()
    {
        var answers = new ConcurrentQueue<ReconcileResult>(
        [
            ReconcileResult.Failed("first"), ReconcileResult.Failed("second"), ReconcileResult.After(TimeSpan.FromMinutes(1)),
            ReconcileResult.Terminal("hopeless"), ReconcileResult.Done,
        ]);
        var calls = 0;
        using var controller = Controller("results", _ =>
        {
            answers.TryDequeue(out var answer);
            calls++;
            return answer!;
        });
        await RunAsync(controller, async () =>
        {
            controller.Queue.Add("a");
            await Eventually.True(() => calls == 1 && controller.Queue.Failures("a") == 1, "the first failure");
            await Step(TimeSpan.FromMilliseconds(6), () => calls == 2 && controller.Queue.Failures("a") == 2);
            await Step(TimeSpan.FromMilliseconds(12), () => calls == 3 && controller.Queue.Failures("a") == 0);
            await Step(TimeSpan.FromSeconds(59), () => calls == 3);
            await Step(TimeSpan.FromSeconds(2), () => calls == 4);
            await Step(TimeSpan.FromHours(2), () => calls == 4);
            controller.Queue.Add("a");
            await Eventually.True(() => calls == 5, "the change after terminal");
        });
    }

    [Fact]
    public async Task Exception_is_counted_and_does_not_stop_other_keys()
    {
        using var counts = new Counts("panics");
        var done = new ConcurrentDictionary<string, int>();
        using var controller = Controller("panics", key =>
        {
            done.AddOrUpdate(key, 1, (_, n) => n + 1);
            return key switch
            {
                "bug" => throw new InvalidOperationException("boom"),
                "api" => throw new KubeApiException("GET /x", new V1Status { Code = 500 }),
                _ => ReconcileResult.Done,
            };
        });
        await RunAsync(controller, async () =>
        {
            controller.Queue.Add("bug");
            controller.Queue.Add("api");
            controller.Queue.Add("good");
            await Eventually.True(() => done.ContainsKey("good") && controller.Queue.Failures("bug") == 1 && controller.Queue.Failures("api") == 1, "all three");
            Assert.Equal(1, counts["controller_runtime_reconcile_panics_total"]);
            await Eventually.True(() => counts["controller_runtime_reconcile_total/error"] == 2 && counts["controller_runtime_reconcile_total/success"] == 1, "the results counted");
            Assert.Equal(2, counts["workqueue_retries_total"]);
        });
    }

    [Fact]
    public async Task Reconcile_that_hangs_is_cancelled_and_tried_again_while_others_go_on()
    {
        var hung = new TaskCompletionSource();
        var good = 0;
        var options = new ControllerOptions { Workers = 2, Time = _clock, Queue = new WorkQueueOptions { Time = _clock }, ReconcileTimeout = TimeSpan.FromSeconds(30) };
        using var controller = new Controller<string>("hang", new Reconciler(async (key, cancellation) =>
        {
            if (key == "hang")
            {
                hung.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }

            Interlocked.Increment(ref good);
            return ReconcileResult.Done;
        }), options);
        await RunAsync(controller, async () =>
        {
            controller.Queue.Add("hang");
            await hung.Task;
            controller.Queue.Add("good");
            await Eventually.True(() => good == 1, "the other key");
            _clock.Advance(TimeSpan.FromSeconds(31));
            await Eventually.True(() => controller.Queue.Failures("hang") == 1, "the timeout");
        });
    }

    [Fact]
    public async Task Informer_changes_become_keys_of_old_and_new_owner()
    {
        await using var server = await FakeApiServer.StartAsync();
        const string Pods = "/api/v1/namespaces/a/pods";
        server.Put(Pods, """{"metadata":{"name":"p","labels":{"app":"one"}}}""");
        var informer = new Informer<V1Pod>(server.Client(), ResourceKinds.Pods);
        var keys = new ConcurrentQueue<string>();
        using var controller = Controller("informed", key =>
        {
            keys.Enqueue(key);
            return ReconcileResult.Done;
        });
        controller.Watch(informer, pod => [pod.Metadata.Labels!["app"]], change => change.Object.Metadata.Labels!["app"] != "ignored");
        using var stop = new CancellationTokenSource();
        var follow = informer.RunAsync(stop.Token);
        await RunAsync(controller, async () =>
        {
            await Eventually.True(() => keys.SequenceEqual(["one"]), "the first list");
            await Eventually.True(() => server.OpenWatches == 1, "the watch");
            server.Put(Pods, """{"metadata":{"name":"p","labels":{"app":"two"}}}""");
            await Eventually.True(() => keys.Order(StringComparer.Ordinal).SequenceEqual(["one", "one", "two"]), "old and new");
            server.Put(Pods, """{"metadata":{"name":"q","labels":{"app":"ignored"}}}""");
            await Eventually.True(() => informer.Cache.Find(new ObjectKey("a", "q")) is not null, "the ignored pod");
            Assert.DoesNotContain("ignored", keys);
        });
        await stop.CancelAsync();
        await follow;
    }

    private static async Task RunAsync(Controller<string> controller, Func<Task> body)
    {
        using var stop = new CancellationTokenSource();
        var run = controller.RunAsync(stop.Token);
        await body();
        await stop.CancelAsync();
        await run.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private Controller<string> Controller(string name, Func<string, ReconcileResult> reconcile)
        => new(name, new Reconciler((key, _) => ValueTask.FromResult(reconcile(key))), new ControllerOptions { Time = _clock, Queue = new WorkQueueOptions { Time = _clock } });

    private async Task Step(TimeSpan by, Func<bool> condition)
    {
        // The worker first puts the key away, then the clock moves.
        await Task.Delay(20);
        _clock.Advance(by);
        await Eventually.True(condition, $"the state after {by}");
    }

    private sealed class Reconciler(Func<string, CancellationToken, ValueTask<ReconcileResult>> body) : IReconciler<string>
    {
        public ValueTask<ReconcileResult> ReconcileAsync(string key, CancellationToken cancellation) => body(key, cancellation);
    }

    /// <summary>Sums the counters of one controller, as a metrics exporter would.</summary>
    private sealed class Counts : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly ConcurrentDictionary<string, long> _sums = new();

        public Counts(string controller)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == KubeClientMeter.Name)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            {
                var labels = tags.ToArray().ToDictionary(t => t.Key, t => t.Value as string);
                if (labels.GetValueOrDefault("controller") == controller || labels.GetValueOrDefault("name") == controller)
                {
                    var name = instrument.Name + (labels.TryGetValue("result", out var result) ? "/" + result : "");
                    _sums.AddOrUpdate(name, value, (_, sum) => sum + value);
                }
            });
            _listener.Start();
        }

        public long this[string name] => _sums.GetValueOrDefault(name);

        public void Dispose() => _listener.Dispose();
    }
}

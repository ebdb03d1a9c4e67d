using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.TestKit;

namespace MetricsOperator.KubeClient.Tests.Caching;

public sealed class ObjectCacheTests
{
    [Fact]
    public void Indexes_follow_random_changes_exactly() => SeededRandom.Run(random =>
    {
        var cache = new ObjectCache<V1Pod>(ObjectIndex<V1Pod>.ByLabel("app"));
        var model = new Dictionary<ObjectKey, V1Pod>();
        for (var i = 0; i < 3000; i++)
        {
            var key = new ObjectKey("ns" + random.Next(3), "p" + random.Next(8));
            if (random.Next(3) == 0)
            {
                Assert.Equal(model.GetValueOrDefault(key), cache.Remove(key));
                model.Remove(key);
            }
            else
            {
                var pod = Pod(key, "owner" + random.Next(3), random.Next(4) == 0 ? null : "app" + random.Next(3));
                Assert.Equal(model.GetValueOrDefault(key), cache.Put(pod));
                model[key] = pod;
            }

            var ns = "ns" + random.Next(3);
            var owner = "owner" + random.Next(3);
            var app = "app" + random.Next(3);
            Same(model.Values.Where(p => p.Metadata.Namespace == ns), cache.InNamespace(ns));
            Same(model.Values.Where(p => p.Metadata.OwnerReferences![0].Uid == owner), cache.OwnedBy(owner));
            Same(model.Values.Where(p => p.Metadata.Labels?["app"] == app), cache.ByLabel("app", app));
            Assert.Equal(model.Count, cache.Count);
        }
    });

    [Fact]
    public void Index_that_does_not_exist_is_named_in_the_error()
    {
        var e = Assert.Throws<ArgumentException>(() => new ObjectCache<V1Pod>().ByLabel("app", "x"));
        Assert.Contains("label:app", e.Message, StringComparison.Ordinal);
    }

    private static V1Pod Pod(ObjectKey key, string owner, string? app) => new()
    {
        Metadata = new()
        {
            Namespace = key.Namespace,
            Name = key.Name,
            OwnerReferences = [new() { Uid = owner }],
            Labels = app is null ? null : new Dictionary<string, string> { ["app"] = app },
        },
    };

    private static void Same(IEnumerable<V1Pod> want, IEnumerable<V1Pod> got)
        => Assert.Equal(want.Select(p => ObjectKey.Of(p).ToString()).Order(StringComparer.Ordinal), got.Select(p => ObjectKey.Of(p).ToString()).Order(StringComparer.Ordinal));
}

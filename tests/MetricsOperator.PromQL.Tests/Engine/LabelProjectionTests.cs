using MetricsOperator.PromQL.Engine;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Engine;

public sealed class LabelProjectionTests
{
    private static readonly string[] Names = ["A", "__a", "__name__", "__type__", "__unit__", "__z", "a", "ab", "b", "\u00e9", "z"];

    [Fact]
    public void Picked_are_the_named_labels_or_all_but_these() => SeededRandom.Run(random =>
    {
        for (var run = 0; run < 3000; run++)
        {
            var labels = LabelSet.Of([.. Names.Where(_ => random.Next(2) == 0).Select(n => (n, "v" + n))]);
            var named = Names.Where(_ => random.Next(4) == 0).OrderBy(_ => random.Next()).ToList();
            foreach (var hides in new[] { false, true })
            {
                bool Visible(string name) => !hides || name is not ("__name__" or "__type__" or "__unit__");
                Assert.Equal(Only(labels, n => named.Contains(n) && Visible(n)), LabelProjection.Keeping(named).ToLabels(labels, hides));
                Assert.Equal(Only(labels, n => !named.Contains(n) && Visible(n)), LabelProjection.Dropping(named).ToLabels(labels, hides));
                Assert.Equal(Only(labels, Visible), LabelProjection.All().ToLabels(labels, hides));
            }

            // What it gives is right; that it gives nothing is allowed, but not for a usual set.
            var behind = LabelProjection.BehindName(labels);
            Assert.True(behind.IsEmpty || behind.SequenceEqual(Only(labels, n => n is not ("__name__" or "__type__" or "__unit__")).Encoded));
        }

        Assert.False(LabelProjection.BehindName(LabelSet.Of(("__name__", "m"), ("job", "j"))).IsEmpty);
    });

    private static LabelSet Only(LabelSet labels, Func<string, bool> keep) => LabelSet.Of([.. labels.ToPairs().Where(p => keep(p.Key)).Select(p => (p.Key, p.Value))]);
}

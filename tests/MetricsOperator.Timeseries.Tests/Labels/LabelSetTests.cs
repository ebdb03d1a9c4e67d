using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Timeseries.Tests.Labels;

public sealed class LabelSetTests
{
    private static readonly string[] Alphabet = ["", "a", "b", "ab", "é", "日", "😀", "_", "z", "\uFF5E", "a\0", "long-" + new string('x', 200)];

    [Fact]
    public void Builder_holds_what_a_sorted_map_holds()
    {
        SeededRandom.Run(random =>
        {
            var builder = new LabelSetBuilder();
            for (var round = 0; round < 2000; round++)
            {
                builder.Reset();
                var model = new Dictionary<string, string>();
                for (var i = random.Next(30); i > 0; i--)
                {
                    var (name, value) = (Alphabet[random.Next(1, Alphabet.Length)], Alphabet[random.Next(Alphabet.Length)]);
                    if (random.Next(4) == 0)
                    {
                        builder.Remove(name);
                        model.Remove(name);
                        continue;
                    }

                    builder.Set(name, value);
                    if (value.Length == 0)
                    {
                        model.Remove(name);
                    }
                    else
                    {
                        model[name] = value;
                    }
                }

                var want = model.OrderBy(l => l.Key, ByBytes.Instance).ToList();
                var set = builder.Build();
                Assert.Equal(want, set.ToPairs());
                Assert.Equal(want.Count, set.Count);
                Assert.Equal(want.Select(l => l.Key), builder.Names());
                Assert.All(Alphabet.Skip(1), name => Assert.Equal(model.GetValueOrDefault(name, ""), set.Get(name)));
                Assert.All(Alphabet.Skip(1), name => Assert.Equal(model.ContainsKey(name), set.Has(name)));
                Assert.Equal(set, new LabelSetBuilder(set).Build());
                Assert.Equal(set, LabelSet.Of([.. model.Select(l => (l.Key, l.Value)).OrderBy(_ => random.Next())]));
            }
        });
    }

    [Fact]
    public void Order_and_equality_are_those_of_the_bytes_label_by_label()
    {
        SeededRandom.Run(random =>
        {
            var sets = Enumerable.Range(0, 60).Select(_ => RandomSet(random)).ToList();
            foreach (var left in sets)
            {
                foreach (var right in sets)
                {
                    var want = CompareModel(left, right);
                    Assert.Equal(want, Math.Sign(left.CompareTo(right)));
                    Assert.Equal(want == 0, left.Equals(right));
                    Assert.Equal(want < 0, left < right);
                    Assert.Equal(want == 0, left.Encoded.SequenceEqual(right.Encoded));
                    Assert.True(want != 0 || left.Hash == right.Hash);
                }
            }
        });
    }

    [Fact]
    public void Hash_never_changes()
    {
        // Sharding and files depend on it.
        Assert.Equal(LabelSet.Of(("job", "a"), ("__name__", "up")).Hash, LabelSet.Of(("__name__", "up"), ("job", "a")).Hash);
        Assert.Equal(0x61E17B9D2702E340UL, LabelSet.Of(("__name__", "up"), ("job", "a")).Hash);
    }

    [Fact]
    public void Text_is_that_of_prometheus()
    {
        void Check(string want, params (string, string)[] labels) => Assert.Equal(want, LabelSet.Of(labels).ToString());

        Check("{}");
        Check("{__name__=\"up\", job=\"a\"}", ("job", "a"), ("__name__", "up"));
        Check("{\"a.b\"=\"c\\\"d\\\\e\\nf\"}", ("a.b", "c\"d\\e\nf"));
    }

    [Fact]
    public void Values_may_come_from_the_builder_itself()
    {
        var builder = new LabelSetBuilder(LabelSet.Of(("a", new string('x', 300))));
        for (var i = 0; i < 20; i++)
        {
            builder.Set(Encoding.UTF8.GetBytes("b" + i), builder.GetUtf8("a"u8));
        }

        Assert.All(builder.Build().ToPairs(), l => Assert.Equal(new string('x', 300), l.Value));
    }

    [Fact]
    public void Builder_in_use_allocates_only_the_set()
    {
        var builder = new LabelSetBuilder();
        AllocationAssert.AtMost(0, () =>
        {
            builder.Reset().Set("__name__"u8, "up"u8).Set("job"u8, "a"u8).Set("instance"u8, "b"u8).Remove("job"u8);
            builder.Set("x", "y");
        });
        Assert.Equal("{__name__=\"up\", instance=\"b\", x=\"y\"}", builder.Build().ToString());
    }

    [Fact]
    public void Matcher_treats_absent_as_empty()
    {
        var labels = LabelSet.Of(("a", "1"), ("b", "x.y"));
        void Check(bool want, MatchType type, string name, string value)
        {
            var matcher = new LabelMatcher(type, name, value);
            Assert.Equal(want, matcher.Matches(labels));
            Assert.Equal(want, matcher.Matches(labels.Get(name)));
            Assert.Equal(matcher.Matches(""), matcher.MatchesEmpty);
        }

        Check(true, MatchType.Equal, "a", "1");
        Check(false, MatchType.Equal, "a", "2");
        Check(true, MatchType.Equal, "absent", "");
        Check(false, MatchType.NotEqual, "absent", "");
        Check(true, MatchType.NotEqual, "absent", "x");
        Check(true, MatchType.RegexMatch, "b", "x\\..");
        Check(false, MatchType.RegexMatch, "b", "x");
        Check(true, MatchType.RegexMatch, "absent", "x?");
        Check(true, MatchType.RegexNoMatch, "b", "x");
        Check(false, MatchType.RegexNoMatch, "absent", ".*");
        Assert.Equal("a!~\"b\\\"c\"", new LabelMatcher(MatchType.RegexNoMatch, "a", "b\"c").ToString());
    }

    private static LabelSet RandomSet(Random random)
    {
        var builder = new LabelSetBuilder();
        for (var i = random.Next(4); i > 0; i--)
        {
            builder.Set(Alphabet[random.Next(1, Alphabet.Length)], Alphabet[random.Next(Alphabet.Length)]);
        }

        return builder.Build();
    }

    private static int CompareModel(LabelSet left, LabelSet right)
    {
        var (l, r) = (left.ToPairs(), right.ToPairs());
        for (var i = 0; i < Math.Min(l.Count, r.Count); i++)
        {
            var order = ByBytes.Instance.Compare(l[i].Key, r[i].Key);
            order = order != 0 ? order : ByBytes.Instance.Compare(l[i].Value, r[i].Value);
            if (order != 0)
            {
                return Math.Sign(order);
            }
        }

        return Math.Sign(l.Count - r.Count);
    }

    private sealed class ByBytes : IComparer<string>
    {
        public static readonly ByBytes Instance = new();

        public int Compare(string? x, string? y) => Encoding.UTF8.GetBytes(x!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(y!));
    }
}

using System.Globalization;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests;

public sealed class SelectionTests
{
    private static readonly string[] Names = ["__name__", "code", "service", "zone", "missing"];
    private static readonly string[] Expressions = ["a.*", ".*b.*", "2..|5..", "v1|v2|v3", ".+", ".*", "", "a?b?c?[0-9]*", "(?i)A.*", "v1"];

    [Fact]
    public void Any_matchers_select_from_head_and_blocks_the_series_whose_labels_satisfy_them()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            using var db = TestDb.Open(folder["data"], o => o with { MinBlockDurationMs = 60_000, MaxBlockDurationMs = 60_000, RetentionMs = 0 });
            var series = new HashSet<LabelSet>();
            while (series.Count < 120)
            {
                series.Add(LabelSet.Of(
                    ("__name__", "v" + random.Next(4).ToString(CultureInfo.InvariantCulture)),
                    ("code", random.Next(3) == 0 ? "" : (random.Next(2, 6) * 100).ToString(CultureInfo.InvariantCulture)),
                    ("service", random.Next(4) == 0 ? "" : "abc"[..random.Next(1, 4)] + random.Next(20).ToString(CultureInfo.InvariantCulture)),
                    ("zone", random.Next(2) == 0 ? "" : "v" + random.Next(5).ToString(CultureInfo.InvariantCulture))));
            }

            // Some series are in blocks only, some in the head only, most in both.
            for (var round = 0; round < 10; round++)
            {
                foreach (var labels in series)
                {
                    if ((labels.Hash + (ulong)round) % 4 != 0)
                    {
                        db.Append(labels, (1_000_000 + (round * 30_000L), round));
                    }
                }
            }

            db.RunMaintenance(CancellationToken.None);
            Assert.NotEmpty(db.Blocks);
            for (var run = 0; run < 150; run++)
            {
                var matchers = new LabelMatcher[random.Next(1, 4)];
                for (var i = 0; i < matchers.Length; i++)
                {
                    var type = (MatchType)random.Next(4);
                    var expression = Expressions[random.Next(Expressions.Length)];
                    matchers[i] = new LabelMatcher(type, Names[random.Next(Names.Length)], type < MatchType.RegexMatch && random.Next(2) == 0 ? "200" : expression);
                }

                var wanted = series.Where(s => Array.TrueForAll(matchers, m => m.Matches(s))).Select(s => s.ToString()).Order(StringComparer.Ordinal);
                Assert.Equal(wanted, db.ReadAll(long.MinValue, long.MaxValue, matchers).Keys);
            }
        });
    }
}

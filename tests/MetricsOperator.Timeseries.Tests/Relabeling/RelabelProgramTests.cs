using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Relabeling;

namespace MetricsOperator.Timeseries.Tests.Relabeling;

public sealed class RelabelProgramTests
{
    private static readonly LabelSet Input = LabelSet.Of(("__name__", "m"), ("a", "foo"), ("b", "bar"), ("c", "baz"));

    [Fact]
    public void Replace_sets_what_the_match_gives()
    {
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\", d=\"foo\"}", new RelabelRule(SourceLabels: ["a"], TargetLabel: "d"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\", d=\"foo;bar\"}", new RelabelRule(SourceLabels: ["a", "b"], TargetLabel: "d"));
        Check(
            "{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\", d=\"ooar-ooar\"}",
            new RelabelRule(SourceLabels: ["a", "b"], Separator: ";", Regex: "f(.*);b(.*)", TargetLabel: "d", Replacement: "$1$2-${1}${2}"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\"}", new RelabelRule(SourceLabels: ["a"], Regex: "x.*", TargetLabel: "d", Replacement: "y"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\", d=\"const\"}", new RelabelRule(TargetLabel: "d", Replacement: "const"));
        Check("{__name__=\"m\", b=\"bar\", c=\"baz\"}", new RelabelRule(TargetLabel: "a", Replacement: ""));
        Check("{__name__=\"m\", b=\"bar\", c=\"baz\"}", new RelabelRule(SourceLabels: ["absent"], TargetLabel: "a"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\", foo_x=\"bar\"}", new RelabelRule(SourceLabels: ["a", "b"], Regex: "(.*);(.*)", TargetLabel: "${1}_x", Replacement: "$2"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\"}", new RelabelRule(SourceLabels: ["absent"], TargetLabel: "$1", Replacement: "x"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\", \"my label\"=\"foo\"}", new RelabelRule(SourceLabels: ["a"], TargetLabel: "my label"));
        Check("{__name__=\"m\", a=\"$1\", b=\"bar\", c=\"baz\"}", new RelabelRule(SourceLabels: ["a"], TargetLabel: "a", Replacement: "$$1"));
    }

    [Fact]
    public void Keep_and_drop_decide_on_the_whole_joined_value()
    {
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\"}", new RelabelRule(RelabelAction.Keep, ["a"], Regex: "foo|x"));
        Check(null, new RelabelRule(RelabelAction.Keep, ["a"], Regex: "fo"));
        Check(null, new RelabelRule(RelabelAction.Keep, ["absent"], Regex: ".+"));
        Check(null, new RelabelRule(RelabelAction.Drop, ["a", "b"], Regex: "foo;bar"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\"}", new RelabelRule(RelabelAction.Drop, ["a", "b"], Regex: "foo;ba"));
        Check(null, new RelabelRule(RelabelAction.Drop, ["a"], Regex: ".*o.*"), new RelabelRule(TargetLabel: "x", Replacement: "y"));
        Check(null, new RelabelRule(RelabelAction.KeepEqual, ["a"], TargetLabel: "b"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\"}", new RelabelRule(RelabelAction.KeepEqual, ["absent"], TargetLabel: "none"));
        Check(null, new RelabelRule(TargetLabel: "d", Replacement: "foo"), new RelabelRule(RelabelAction.DropEqual, ["a"], TargetLabel: "d"));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\"}", new RelabelRule(RelabelAction.DropEqual, ["a"], TargetLabel: "b"));
    }

    [Fact]
    public void Hashmod_agrees_with_prometheus()
    {
        // The numbers that Prometheus computes for these values.
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\", d=\"976\"}", new RelabelRule(RelabelAction.HashMod, ["c"], TargetLabel: "d", Modulus: 1000));
        Check("{__name__=\"m\", a=\"foo\", b=\"bar\", c=\"baz\", d=\"734\"}", new RelabelRule(TargetLabel: "t", Replacement: "foo\nbar"), new RelabelRule(RelabelAction.HashMod, ["t"], TargetLabel: "d", Modulus: 1000), new RelabelRule(RelabelAction.LabelDrop, Regex: "t"));
    }

    [Fact]
    public void Label_names_are_mapped_dropped_and_kept()
    {
        Check(
            "{__name__=\"m\", a=\"foo\", b=\"bar\", bar_a=\"foo\", bar_b=\"bar\", c=\"baz\"}",
            new RelabelRule(RelabelAction.LabelMap, Regex: "([ab])", Replacement: "bar_$1"));
        Check("{__name__=\"m\", a=\"bar\", b=\"baz\", c=\"baz\"}", new RelabelRule(TargetLabel: "x_a", Replacement: "bar"), new RelabelRule(TargetLabel: "x_b", Replacement: "baz"), new RelabelRule(RelabelAction.LabelMap, Regex: "x_(.+)"), new RelabelRule(RelabelAction.LabelDrop, Regex: "x_.+"));
        Check("{__name__=\"m\", c=\"baz\"}", new RelabelRule(RelabelAction.LabelDrop, Regex: "[ab]"));
        Check("{a=\"foo\", b=\"bar\"}", new RelabelRule(RelabelAction.LabelKeep, Regex: "a|b"));
        Check("{__name__=\"m\", a=\"foo\", b=\"BAR\", c=\"baz\"}", new RelabelRule(RelabelAction.Uppercase, ["b"], TargetLabel: "b"));
        Check("{__name__=\"m\", a=\"éx\", b=\"bar\", c=\"baz\"}", new RelabelRule(TargetLabel: "a", Replacement: "ÉX"), new RelabelRule(RelabelAction.Lowercase, ["a"], TargetLabel: "a"));
    }

    [Fact]
    public void Rules_that_make_no_sense_are_refused_by_index_and_field()
    {
        static void Check(RelabelRule rule, string field, string message)
        {
            var e = Assert.Throws<RelabelException>(() => new RelabelProgram([new RelabelRule(TargetLabel: "ok"), rule]));
            Assert.Equal((1, field), (e.RuleIndex, e.Field));
            Assert.StartsWith(message, e.Reason);
            Assert.StartsWith($"relabel rule 1: {field}: {message}", e.Message);
        }

        Check(new RelabelRule(), "target_label", "relabel configuration for replace action requires 'target_label' value");
        Check(new RelabelRule(RelabelAction.KeepEqual), "target_label", "relabel configuration for keepequal action requires 'target_label' value");
        Check(new RelabelRule(RelabelAction.HashMod, TargetLabel: "a"), "modulus", "relabel configuration for hashmod requires non-zero modulus");
        Check(new RelabelRule(RelabelAction.Lowercase, TargetLabel: "a", Replacement: "x"), "replacement", "'replacement' can not be set for lowercase action");
        Check(new RelabelRule(RelabelAction.LabelMap, Replacement: ""), "replacement", "\"\" is invalid 'replacement' for labelmap action");
        Check(new RelabelRule(RelabelAction.DropEqual, TargetLabel: "a", Regex: "x"), "regex", "dropequal action requires only 'source_labels' and 'target_label', and no other fields");
        Check(new RelabelRule(RelabelAction.LabelDrop, ["a"]), "source_labels", "labeldrop action requires only 'regex', and no other fields");
        Check(new RelabelRule(RelabelAction.LabelKeep, Separator: "x"), "separator", "labelkeep action requires only 'regex', and no other fields");
        Check(new RelabelRule(RelabelAction.Keep, Regex: "a("), "regex", "error parsing regexp: missing closing ): `a(`");
    }

    [Fact]
    public void Steady_rules_allocate_nothing()
    {
        var program = new RelabelProgram(
        [
            new RelabelRule(RelabelAction.Keep, ["__name__"], Regex: "up|m|http_.*"),
            new RelabelRule(RelabelAction.Drop, ["a", "b"], Regex: "x;.*"),
            new RelabelRule(SourceLabels: ["a"], TargetLabel: "d"),
            new RelabelRule(TargetLabel: "e", Replacement: "const"),
            new RelabelRule(RelabelAction.LabelDrop, Regex: "b"),
        ]);
        var builder = new LabelSetBuilder();
        AllocationAssert.AtMost(0, () =>
        {
            if (!program.Apply(builder.Reset(Input)))
            {
                throw new InvalidOperationException("dropped");
            }
        });
        Assert.Equal("{__name__=\"m\", a=\"foo\", c=\"baz\", d=\"foo\", e=\"const\"}", builder.Build().ToString());
    }

    private static void Check(string? want, params RelabelRule[] rules)
    {
        var builder = new LabelSetBuilder(Input);
        var kept = new RelabelProgram(rules).Apply(builder);
        Assert.Equal(want, kept ? builder.Build().ToString() : null);
    }
}

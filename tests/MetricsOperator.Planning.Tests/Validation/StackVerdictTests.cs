using MetricsOperator.Planning.Tests.Support;
using MetricsOperator.Planning.Validation;

namespace MetricsOperator.Planning.Tests.Validation;

public sealed class StackVerdictTests
{
    [Fact]
    public void A_wrong_expression_is_named_by_its_exact_path_and_place()
    {
        var errors = Check(
            """{"name":"j","static":[{"targets":["a:1"]}],"metricRelabelings":[{"action":"drop","sourceLabels":["x"],"regex":"ok"},{"action":"drop","sourceLabels":["x"],"regex":"a("}]}""",
            "spec.scrape.jobs[0].metricRelabelings[1].regex");
        Assert.Contains("a(", errors[0].Message);
    }

    [Fact]
    public void Relabel_rules_are_judged_by_the_engine_that_runs_them()
    {
        Check("""{"name":"j","static":[{"targets":["a:1"]}],"relabelings":[{"action":"explode"}]}""", "spec.scrape.jobs[0].relabelings[0].action");
        Check("""{"name":"j","static":[{"targets":["a:1"]}],"relabelings":[{"action":"1"}]}""", "spec.scrape.jobs[0].relabelings[0].action");
        Check("""{"name":"j","static":[{"targets":["a:1"]}],"relabelings":[{"action":"hashmod","sourceLabels":["x"],"targetLabel":"y"}]}""", "spec.scrape.jobs[0].relabelings[0].modulus");
        Check("""{"name":"j","static":[{"targets":["a:1"]}],"relabelings":[{"sourceLabels":["x"]}]}""", "spec.scrape.jobs[0].relabelings[0].targetLabel");
    }

    [Fact]
    public void Keep_lists_must_exist_and_hold_expressions()
    {
        Check("""{"name":"j","static":[{"targets":["a:1"]}],"keepList":"none"}""", "spec.scrape.jobs[0].keepList");
        Check("""{"name":"j","static":[{"targets":["a:1"]}],"keepList":"bad"}""", "spec.scrape.jobs[0].keepList: MetricsKeepList bad: spec.metrics[1]");
        Check("""{"name":"j","static":[{"targets":["a:1"]}],"keepList":"good"}""");
    }

    [Fact]
    public void The_open_part_of_the_spec_must_fit_and_must_not_contradict_the_budget()
    {
        CheckSpec("""{"memory":{"budget":"1Gi"},"podTemplate":{"spec":{"containers":"x"}}}""", "spec.podTemplate.spec.containers");
        CheckSpec("""{"memory":{"budget":"1Gi"},"podTemplate":{"spec":{"containers":[{"image":"x"}]}}}""", "spec.podTemplate.spec.containers[0].name");
        CheckSpec("""{"memory":{"budget":"1Gi"},"podTemplate":{"spec":{"containers":[{"name":"server","resources":{"limits":{"memory":"2Gi"}}}]}}}""", "spec.podTemplate.spec.containers[0].resources.limits.memory");
        CheckSpec("""{"memory":{"budget":"1Gi"},"podTemplate":{"spec":{"nodeSelector":{"a":"b"},"containers":[{"name":"server","resources":{"limits":{"cpu":"1"}}}]}}}""");
    }

    private static List<Api.Validation.FieldError> Check(string job, params string[] paths) =>
        CheckSpec("""{"memory":{"budget":"1Gi"},"scrape":{"jobs":[""" + job + "]}}", paths);

    private static List<Api.Validation.FieldError> CheckSpec(string spec, params string[] paths)
    {
        var lists = new[] { TestStacks.KeepList("good", "a", "b.*"), TestStacks.KeepList("bad", "a", "b(") };
        var errors = StackVerdict.Errors(TestStacks.Stack(spec), lists).ToList();
        Assert.Equal(paths, errors.Select(e => e.Path));
        return errors;
    }
}

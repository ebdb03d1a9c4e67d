using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Validation;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Api.Tests.Validation;

public sealed class StackValidatorTests
{
    [Fact]
    public void Smallest_useful_spec_is_valid() =>
        Check("""{"memory":{"budget":"256Mi"},"scrape":{"jobs":[{"name":"a","static":[{"targets":["h:1"]}]}]}}""");

    [Fact]
    public void Errors_name_the_exact_path()
    {
        Check("""{"memory":{"budget":"-5Mi"}}""", "spec.memory.budget");
        Check("""{"memory":{"budget":"1Mi"}}""", "spec.memory.budget");
        Check("""{"memory":{}}""", "spec.memory.budget");
        Check("""{"memory":{"budget":"256Mi","request":"1Gi"}}""", "spec.memory.request");
        Check("""{"memory":{"budget":"256Mi","max":"128Mi"}}""", "spec.memory.max");
        Check("""{"memory":{"budget":"256Mi"},"replicas":11}""", "spec.replicas");
        Check("""{"memory":{"budget":"256Mi"},"externalLabels":{"a-b":"c"}}""", "spec.externalLabels.a-b");
        Check("""{"memory":{"budget":"256Mi"},"storage":{"size":"lots"}}""", "spec.storage.size");
        Check("""{"memory":{"budget":"256Mi"},"storage":{"retention":{"time":"x"}}}""", "spec.storage.retention.time");
        Check("""{"memory":{"budget":"256Mi"},"scrape":{"interval":"5s","timeout":"6s"}}""", "spec.scrape.timeout");
        Check("""{"memory":{"budget":"256Mi"},"scrape":{"interval":"0s"}}""", "spec.scrape.interval");
        Check("""{"memory":{"budget":"256Mi"},"overload":{"steps":[{"name":"RaiseInterval","maxInterval":"5m"}]}}""", "spec.overload.steps[0].maxInterval");
        Check("""{"memory":{"budget":"256Mi"},"overload":{"steps":[{"name":"ApplyKeepLists"},{"name":"ApplyKeepLists"}]}}""", "spec.overload.steps[1].name");
        Check("""{"memory":{"budget":"256Mi"},"overload":{"steps":[{"name":"ApplyKeepLists","factor":2}]}}""", "spec.overload.steps[0]");
    }

    [Fact]
    public void Job_errors_name_the_job_by_index()
    {
        CheckJob("""{"name":"b","static":[{"targets":["h:1"]}],"interval":"5s","timeout":"10s"}""", "spec.scrape.jobs[1].timeout");
        CheckJob("""{"name":"b","static":[{"targets":["h:1"]}],"timeout":"31s"}""", "spec.scrape.jobs[1].timeout");
        CheckJob("""{"name":"a","static":[{"targets":["h:1"]}]}""", "spec.scrape.jobs[1].name");
        CheckJob("""{"name":"b"}""", "spec.scrape.jobs[1]");
        CheckJob("""{"name":"b","static":[{"targets":["h:1"]}],"kubernetes":{"role":"pod"}}""", "spec.scrape.jobs[1]");
        CheckJob("""{"name":"b","static":[{"targets":["http://h:1"]}]}""", "spec.scrape.jobs[1].static[0].targets[0]");
        CheckJob("""{"name":"b","static":[{"targets":["h:1"]}],"path":"metrics"}""", "spec.scrape.jobs[1].path");
        CheckJob("""{"name":"b","static":[{"targets":["h:1"]}],"tls":{"cert":{"name":"s","key":"k"}}}""", "spec.scrape.jobs[1].tls");
        CheckJob("""{"name":"b","static":[{"targets":["h:1"]}],"authorization":{}}""", "spec.scrape.jobs[1].authorization");
        CheckJob("""{"name":"b","kubernetes":{"role":"pod"},"authorization":{"serviceAccount":true}}""", "spec.scrape.jobs[1].authorization.serviceAccount");
        CheckJob("""{"name":"b","kubernetes":{"role":"pod","namespaces":{"any":true,"names":["x"]}}}""", "spec.scrape.jobs[1].kubernetes.namespaces");
        CheckJob("""{"name":"b","kubernetes":{"role":"node"},"authorization":{"serviceAccount":true}}""");
    }

    private static void CheckJob(string job, params string[] paths) =>
        Check("""{"memory":{"budget":"256Mi"},"scrape":{"jobs":[{"name":"a","static":[{"targets":["h:1"]}]},""" + job + "]}}", paths);

    private static void Check(string spec, params string[] paths)
    {
        var stack = new MetricsStack { Metadata = new V1ObjectMeta { Name = "s", Namespace = "n" }, Spec = ApiJson.ReadSpec(spec) };
        Assert.Equal(paths, StackValidator.Validate(stack).Select(e => e.Path));
    }
}

using MetricsOperator.Api.V1alpha1;

namespace MetricsOperator.Api.Validation;

/// <summary>The rules of one scrape job.</summary>
internal static class JobValidator
{
    public static void Check(List<FieldError> errors, string path, ScrapeJob job, TimeSpan stackInterval)
    {
        if (job.Name.Length == 0)
        {
            errors.Add(new($"{path}.name", "is missing"));
        }

        CheckTargets(errors, path, job);
        CheckTimes(errors, path, job, stackInterval);
        if (!job.Path.StartsWith('/'))
        {
            errors.Add(new($"{path}.path", $"got \"{job.Path}\", want a path that starts with /"));
        }

        CheckTrust(errors, path, job);
    }

    private static void CheckTargets(List<FieldError> errors, string path, ScrapeJob job)
    {
        if (job.Static.Count > 0 == job.Kubernetes is not null)
        {
            errors.Add(new(path, job.Kubernetes is null ? "names no targets: want static or kubernetes" : "has both static and kubernetes, want one"));
        }

        for (var i = 0; i < job.Static.Count; i++)
        {
            for (var j = 0; j < job.Static[i].Targets.Count; j++)
            {
                var target = job.Static[i].Targets[j];
                if (target.Length == 0 || target.Contains('/', StringComparison.Ordinal) || target.Any(char.IsWhiteSpace))
                {
                    errors.Add(new($"{path}.static[{i}].targets[{j}]", $"got \"{target}\", want host:port"));
                }
            }
        }

        if (job.Kubernetes is { Namespaces: { Any: true, Names.Count: > 0 } })
        {
            errors.Add(new($"{path}.kubernetes.namespaces", "has both any and names, want one"));
        }
    }

    private static void CheckTimes(List<FieldError> errors, string path, ScrapeJob job, TimeSpan stackInterval)
    {
        var interval = StackValidator.CheckDuration(errors, $"{path}.interval", job.Interval, out var own) ? own : stackInterval;
        if (StackValidator.CheckDuration(errors, $"{path}.timeout", job.Timeout, out var timeout) && interval > TimeSpan.Zero && timeout > interval)
        {
            errors.Add(new($"{path}.timeout", $"got {job.Timeout}, want at most the interval, {Values.MetricsDuration.Format(interval)}"));
        }
    }

    private static void CheckTrust(List<FieldError> errors, string path, ScrapeJob job)
    {
        if (job.Tls is { } tls && tls.Cert is null != tls.Key is null)
        {
            errors.Add(new($"{path}.tls", "has one of cert and key, want both or none"));
        }

        if (job.Authorization is not { } authorization)
        {
            return;
        }

        if (authorization.ServiceAccount == authorization.Credentials is not null)
        {
            errors.Add(new($"{path}.authorization", "wants exactly one of credentials and serviceAccount"));
        }

        if (authorization.ServiceAccount && job.Kubernetes?.Role is not ("node" or KubernetesTargets.ApiServerRole))
        {
            errors.Add(new($"{path}.authorization.serviceAccount", "would send the token of the service account to an address that a user chose; only for the roles node and apiserver"));
        }
    }
}

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.Api.Schema;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Planning.Scraping;

/// <summary>
/// Writes the server's configuration in Prometheus' format. The same spec and steps always give the same bytes, because their hash is what
/// every server reports back.
/// </summary>
public static class ServerConfigRenderer
{
    /// <summary>Name of the file in the ConfigMap and in the mounted directory.</summary>
    public const string FileName = "server.yaml";

    /// <summary>Environment variable of a server's pod that holds the value of the replica label.</summary>
    public const string ReplicaVariable = "REPLICA";

    public static string Render(MetricsStackSpec spec, EffectiveScrape scrape)
    {
        var config = new JsonObject
        {
            ["global"] = Global(spec, scrape),
            ["scrape_configs"] = new JsonArray([.. scrape.Jobs.Select(job => Job(spec.Scrape, job))]),
        };
        return YamlText.Write(config);
    }

    /// <summary>Lower-case hexadecimal SHA-256 of the file's bytes; what a server reports as <c>configHash</c>.</summary>
    public static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static JsonObject Global(MetricsStackSpec spec, EffectiveScrape scrape)
    {
        var global = new JsonObject
        {
            ["scrape_interval"] = MetricsDuration.Format(scrape.Interval),
            ["scrape_timeout"] = MetricsDuration.Format(scrape.Timeout < scrape.Interval ? scrape.Timeout : scrape.Interval),
        };
        var labels = new JsonObject();
        foreach (var (name, value) in spec.ExternalLabels.OrderBy(l => l.Key, StringComparer.Ordinal))
        {
            // A dollar sign would be read as a reference to an environment variable.
            labels[name] = value.Replace("$", "$$", StringComparison.Ordinal);
        }

        if (spec.ReplicaLabel.Length > 0)
        {
            labels[spec.ReplicaLabel] = $"${{{ReplicaVariable}}}";
        }

        if (labels.Count > 0)
        {
            global["external_labels"] = labels;
        }

        return global;
    }

    private static JsonObject Job(ScrapeSpec scrape, EffectiveJob effective)
    {
        var job = effective.Job;
        var isApiServer = job.Kubernetes?.Role == KubernetesTargets.ApiServerRole;
        var json = new JsonObject
        {
            ["job_name"] = job.Name,
            ["scrape_interval"] = MetricsDuration.Format(effective.Interval),
            ["scrape_timeout"] = MetricsDuration.Format(effective.Timeout),
            ["metrics_path"] = job.Path,
            ["scheme"] = job.Scheme ?? (isApiServer ? "https" : "http"),
        };
        if (job.Params.Count > 0)
        {
            json["params"] = new JsonObject(job.Params.OrderBy(p => p.Key, StringComparer.Ordinal)
                .Select(p => KeyValuePair.Create(p.Key, (JsonNode?)new JsonArray([.. p.Value.Select(v => (JsonNode?)v)]))));
        }

        if (job.HonorLabels)
        {
            json["honor_labels"] = true;
        }

        AddLimits(json, scrape.Limits, job);
        AddTrust(json, job, isApiServer);
        if (job.Static.Count > 0)
        {
            json["static_configs"] = new JsonArray([.. job.Static.Select(StaticTargets)]);
        }

        if (job.Kubernetes is { } kubernetes)
        {
            json["kubernetes_sd_configs"] = new JsonArray(KubernetesDiscovery.Render(kubernetes));
        }

        var relabelings = (job.Kubernetes is null ? [] : KubernetesDiscovery.TargetRules(job.Kubernetes)).Concat(job.Relabelings).ToList();
        AddRules(json, "relabel_configs", relabelings);
        var samples = scrape.MetricRelabelings.Concat(job.MetricRelabelings).ToList();
        if (effective.KeepRegex is { } keep)
        {
            // At the end, so that it judges the name that would be stored; replay applies it to what the log holds.
            samples.Add(RelabelRules.Keep(keep, "__name__"));
        }

        AddRules(json, "metric_relabel_configs", samples);
        return json;
    }

    private static void AddLimits(JsonObject json, ScrapeLimits limits, ScrapeJob job)
    {
        AddLimit(json, "sample_limit", job.SampleLimit ?? limits.SampleLimit);
        if (limits.BodySizeLimit is { } body)
        {
            json["body_size_limit"] = string.Create(CultureInfo.InvariantCulture, $"{Quantity.ParseBytes(body)}B");
        }

        AddLimit(json, "target_limit", limits.TargetLimit);
        AddLimit(json, "label_limit", limits.LabelLimit);
        AddLimit(json, "label_name_length_limit", limits.LabelNameLengthLimit);
        AddLimit(json, "label_value_length_limit", limits.LabelValueLengthLimit);
    }

    private static void AddLimit(JsonObject json, string name, int value)
    {
        if (value > 0)
        {
            json[name] = value;
        }
    }

    private static void AddTrust(JsonObject json, ScrapeJob job, bool isApiServer)
    {
        if (job.Authorization is not null || isApiServer)
        {
            var own = job.Authorization?.Credentials is not null;
            json["authorization"] = new JsonObject
            {
                ["type"] = job.Authorization?.Type ?? "Bearer",
                ["credentials_file"] = own ? CredentialFiles.Name(job, "credentials") : CredentialFiles.ServiceAccountToken,
            };
        }

        var tls = new JsonObject();
        var caFile = job.Tls?.Ca is not null ? CredentialFiles.Name(job, "ca") : isApiServer ? CredentialFiles.ClusterCa : null;
        if (caFile is not null)
        {
            tls["ca_file"] = caFile;
        }

        if (job.Tls?.Cert is not null)
        {
            tls["cert_file"] = CredentialFiles.Name(job, "cert");
            tls["key_file"] = CredentialFiles.Name(job, "key");
        }

        if (job.Tls?.ServerName is { } serverName)
        {
            tls["server_name"] = serverName;
        }

        if (job.Tls?.InsecureSkipVerify == true)
        {
            tls["insecure_skip_verify"] = true;
        }

        if (tls.Count > 0)
        {
            json["tls_config"] = tls;
        }
    }

    private static JsonObject StaticTargets(StaticTargets group)
    {
        var json = new JsonObject { ["targets"] = new JsonArray([.. group.Targets.Select(t => (JsonNode?)t)]) };
        if (group.Labels.Count > 0)
        {
            json["labels"] = new JsonObject(group.Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value)));
        }

        return json;
    }

    private static void AddRules(JsonObject json, string name, List<RelabelConfig> rules)
    {
        if (rules.Count > 0)
        {
            json[name] = RelabelRules.Render(rules);
        }
    }
}

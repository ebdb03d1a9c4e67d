using System.Text;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Scraping;

/// <summary>Makes a target out of discovered labels: defaults of the job, relabeling, and the checks that Prometheus does.</summary>
internal static class TargetLabels
{
    private const string Address = "__address__";
    private const string Scheme = "__scheme__";
    private const string MetricsPath = "__metrics_path__";
    private const string Interval = "__scrape_interval__";
    private const string Timeout = "__scrape_timeout__";
    private const string ParameterPrefix = "__param_";

    /// <summary>The labels that relabeling starts from: what discovery found and, where it says nothing, what the job says.</summary>
    public static LabelSet WithJobDefaults(LabelSet discovered, ScrapeConfig job)
    {
        var labels = new LabelSetBuilder(discovered);
        SetIfMissing(labels, LabelNames.Job, job.JobName);
        SetIfMissing(labels, Interval, DurationText.Format(job.ScrapeInterval));
        SetIfMissing(labels, Timeout, DurationText.Format(job.ScrapeTimeout));
        SetIfMissing(labels, MetricsPath, job.MetricsPath);
        SetIfMissing(labels, Scheme, job.Scheme);
        foreach (var (name, values) in job.Params)
        {
            if (values.Count > 0)
            {
                SetIfMissing(labels, ParameterPrefix + name, values[0]);
            }
        }

        return labels.Build();
    }

    /// <summary>Relabels and checks one discovered target.</summary>
    /// <returns>The target; null when relabeling dropped it (<paramref name="problem"/> is null) or it is not usable.</returns>
    public static Target? Build(LabelSet discovered, ScrapeConfig job, out string? problem)
    {
        problem = null;
        var before = WithJobDefaults(discovered, job);
        var labels = new LabelSetBuilder(before);
        if (!job.Relabel.Program.IsEmpty && !job.Relabel.Program.Apply(labels))
        {
            return null;
        }

        var address = labels.Get(Address);
        if (address.Length == 0)
        {
            problem = "no address";
            return null;
        }

        if (address.Contains('/', StringComparison.Ordinal))
        {
            problem = $"{LabelNames.Quote(address)} is not a valid hostname";
            return null;
        }

        if (!TryReadTimes(labels, out var interval, out var timeout, out problem))
        {
            return null;
        }

        var url = Url(labels, job, address);
        if (url is null)
        {
            problem = $"{LabelNames.Quote(address)} is not a valid address";
            return null;
        }

        foreach (var name in labels.Names())
        {
            if (name.StartsWith("__", StringComparison.Ordinal))
            {
                labels.Remove(name);
            }
        }

        SetIfMissing(labels, LabelNames.Instance, address);
        return new Target(job, before, labels.Build(), url, interval, timeout);
    }

    private static bool TryReadTimes(LabelSetBuilder labels, out TimeSpan interval, out TimeSpan timeout, out string? problem)
    {
        timeout = TimeSpan.Zero;
        if (!DurationText.TryParse(labels.Get(Interval), out interval, out var why))
        {
            problem = $"error parsing scrape interval: {why}";
        }
        else if (interval == TimeSpan.Zero)
        {
            problem = "scrape interval cannot be 0";
        }
        else if (!DurationText.TryParse(labels.Get(Timeout), out timeout, out why))
        {
            problem = $"error parsing scrape timeout: {why}";
        }
        else if (timeout == TimeSpan.Zero)
        {
            problem = "scrape timeout cannot be 0";
        }
        else if (timeout > interval)
        {
            problem = $"scrape timeout cannot be greater than scrape interval ({DurationText.Format(timeout)} > {DurationText.Format(interval)})";
        }
        else
        {
            problem = null;
        }

        return problem is null;
    }

    private static Uri? Url(LabelSetBuilder labels, ScrapeConfig job, string address)
    {
        var query = new StringBuilder();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, values) in job.Params)
        {
            // Relabeling can only change the first value of a parameter.
            seen.Add(name);
            var first = labels.Get(ParameterPrefix + name);
            AppendParameter(query, name, first);
            foreach (var value in values.Skip(1))
            {
                AppendParameter(query, name, value);
            }
        }

        foreach (var label in labels.Names())
        {
            if (label.StartsWith(ParameterPrefix, StringComparison.Ordinal) && seen.Add(label[ParameterPrefix.Length..]))
            {
                AppendParameter(query, label[ParameterPrefix.Length..], labels.Get(label));
            }
        }

        var path = labels.Get(MetricsPath);
        var text = $"{labels.Get(Scheme)}://{address}{(path.StartsWith('/') ? "" : "/")}{path}{query}";
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;
    }

    private static void AppendParameter(StringBuilder query, string name, string value)
    {
        if (value.Length > 0)
        {
            query.Append(query.Length == 0 ? '?' : '&').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
        }
    }

    private static void SetIfMissing(LabelSetBuilder labels, string name, string value)
    {
        if (labels.Get(name).Length == 0)
        {
            labels.Set(name, value);
        }
    }
}

using System.Text;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Exposition;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Scraping;

/// <summary>What became of one scrape body.</summary>
internal record struct AppendedBody
{
    /// <summary>Why the whole body is refused, or null.</summary>
    public string? Error { get; set; }

    /// <summary>Samples in the body.</summary>
    public long Samples { get; set; }

    /// <summary>Samples left after metric relabeling.</summary>
    public long Kept { get; set; }

    /// <summary>Series that the cache did not know.</summary>
    public long NewSeries { get; set; }

    public long Duplicates { get; set; }

    public long OutOfOrder { get; set; }

    public long OutOfBounds { get; set; }

    /// <summary>Samples of series that storage refused to create.</summary>
    public long Refused { get; set; }

    public bool SampleLimitHit { get; set; }
}

/// <summary>
/// Appends the body of one scrape: a line seen before goes from its raw bytes to its series through the cache without an allocation; a new
/// line is parsed, labelled, relabelled and checked once.
/// </summary>
internal sealed class BodyAppender(Target target, TargetMetadata metadata, TimeProvider time)
{
    private const long MaxFutureMs = 10 * 60 * 1000;
    private static readonly byte[] ExportedPrefix = "exported_"u8.ToArray();

    private readonly ScrapeConfig _job = target.Job;
    private readonly LabelSetBuilder _labels = new();
    private readonly List<(byte[] Name, byte[] Value)> _conflicts = [];

    /// <summary>Appends all samples; with an error in the result, the transaction is to be rolled back.</summary>
    public AppendedBody Append(IAppender appender, ScrapeCache cache, ReadOnlySpan<byte> body, ExpositionFormat format, long scrapeTimeMs)
    {
        var result = default(AppendedBody);
        var newestMs = time.GetUtcNow().ToUnixTimeMilliseconds() + MaxFutureMs;
        var reader = new ExpositionReader(body, format);
        while (true)
        {
            switch (reader.Next())
            {
                case ExpositionEntry.Series:
                    result.Samples++;
                    if (AppendSample(appender, cache, ref reader, scrapeTimeMs, newestMs, ref result) is { } problem)
                    {
                        result.Error = problem;
                        return result;
                    }

                    break;
                case ExpositionEntry.Type:
                    metadata.SetType(reader.MetricName, reader.Text);
                    break;
                case ExpositionEntry.Help:
                    metadata.SetHelp(reader.MetricName, reader.Text);
                    break;
                case ExpositionEntry.Unit:
                    metadata.SetUnit(reader.MetricName, reader.Text);
                    break;
                case ExpositionEntry.Error:
                    result.Error = reader.ErrorMessage;
                    return result;
                case ExpositionEntry.End:
                    // Counting goes on to the end of the body, so that the report says how much too much there was.
                    result.Error = result.SampleLimitHit ? "sample limit exceeded" : null;
                    return result;
            }
        }
    }

    private string? AppendSample(
        IAppender appender, ScrapeCache cache, ref ExpositionReader reader, long scrapeTimeMs, long newestMs, ref AppendedBody result)
    {
        var exposed = _job.HonorTimestamps ? reader.TimestampMs : null;
        ref var entry = ref cache.Touch(reader.SeriesBytes, out var repeated);
        if (repeated && exposed is null)
        {
            result.Duplicates++;
            return null;
        }

        if (entry.Dropped)
        {
            return null;
        }

        if (entry.Series.IsNone)
        {
            if (!TryLabel(ref reader, out var problem))
            {
                return problem;
            }

            if (_dropped)
            {
                entry.Dropped = true;
                return null;
            }

            entry.Tracked = exposed is null || _job.TrackTimestampsStaleness;
        }

        result.Kept++;
        if (_job.Limits.Samples > 0 && result.Kept > _job.Limits.Samples)
        {
            // No series is created beyond the limit; the text is looked at again in the next scrape.
            result.SampleLimitHit = true;
            return null;
        }

        var timestampMs = exposed ?? scrapeTimeMs;
        if (timestampMs > newestMs)
        {
            result.OutOfBounds++;
            return null;
        }

        if (entry.Series.IsNone)
        {
            Create(appender, ref entry, ref result);
            if (entry.Series.IsNone)
            {
                // Not remembered: texts of refused series would fill the memory that they were refused for.
                cache.ForgetNewest(ref entry);
                return null;
            }
        }

        var outcome = appender.Append(entry.Series, timestampMs, reader.Value);
        if (outcome == AppendOutcome.UnknownSeries)
        {
            // The storage let go of the series while the target did not expose it.
            if (!TryLabel(ref reader, out var problem))
            {
                return problem;
            }

            entry.Series = SeriesRef.None;
            Create(appender, ref entry, ref result);
            outcome = entry.Series.IsNone ? AppendOutcome.LimitReached : appender.Append(entry.Series, timestampMs, reader.Value);
        }

        Count(outcome, ref result);
        if (outcome == AppendOutcome.Ok && reader.TryReadExemplar(out var exemplar, timestampMs))
        {
            appender.AppendExemplar(entry.Series, exemplar);
        }

        return null;
    }

    private void Create(IAppender appender, ref ScrapeCache.Entry entry, ref AppendedBody result)
    {
        entry.Series = appender.GetOrCreate(_labels.Build(), out _);
        if (entry.Series.IsNone)
        {
            result.Refused++;
        }
        else
        {
            result.NewSeries++;
        }
    }

    // Set by TryLabel: metric relabeling does not want the series.
    private bool _dropped;

    /// <summary>Builds the labels of the current line in <see cref="_labels"/>.</summary>
    /// <returns>False when the line makes the whole scrape fail.</returns>
    private bool TryLabel(ref ExpositionReader reader, out string? problem)
    {
        reader.ReadLabels(_labels);
        AddTargetLabels();
        _dropped = !_job.MetricRelabel.Program.IsEmpty && !_job.MetricRelabel.Program.Apply(_labels);
        problem = _dropped ? null : Check();
        return problem is null;
    }

    private void AddTargetLabels()
    {
        _conflicts.Clear();
        foreach (var label in target.Labels)
        {
            var exposed = _labels.GetUtf8(label.Name);
            if (exposed.IsEmpty)
            {
                _labels.Set(label.Name, label.Value);
            }
            else if (!_job.HonorLabels)
            {
                _conflicts.Add((label.Name.ToArray(), exposed.ToArray()));
                _labels.Set(label.Name, label.Value);
            }
        }

        // Shorter names first, so that exported_a does not take the place that exported_exported_a is for.
        _conflicts.Sort((a, b) => a.Name.Length.CompareTo(b.Name.Length));
        foreach (var (name, value) in _conflicts)
        {
            byte[] free = [.. ExportedPrefix, .. name];
            while (!_labels.GetUtf8(free).IsEmpty)
            {
                free = [.. ExportedPrefix, .. free];
            }

            _labels.Set(free, value);
        }
    }

    private string? Check()
    {
        if (_labels.GetUtf8(LabelNames.MetricNameUtf8).IsEmpty)
        {
            return "missing metric name (__name__ label)";
        }

        var limits = _job.Limits;
        if (limits.Labels == 0 && limits.LabelNameLength == 0 && limits.LabelValueLength == 0)
        {
            return null;
        }

        var labels = _labels.Build();
        if (limits.Labels > 0 && labels.Count > limits.Labels)
        {
            return $"label_limit exceeded (metric: {Name(labels)}, number of labels: {labels.Count}, limit: {limits.Labels})";
        }

        foreach (var label in labels)
        {
            if (limits.LabelNameLength > 0 && label.Name.Length > limits.LabelNameLength)
            {
                return $"label_name_length_limit exceeded (metric: {Name(labels)}, label name: {Encoding.UTF8.GetString(label.Name)}, length: {label.Name.Length}, limit: {limits.LabelNameLength})";
            }

            if (limits.LabelValueLength > 0 && label.Value.Length > limits.LabelValueLength)
            {
                return $"label_value_length_limit exceeded (metric: {Name(labels)}, label name: {Encoding.UTF8.GetString(label.Name)}, value: {LabelNames.Quote(Encoding.UTF8.GetString(label.Value))}, length: {label.Value.Length}, limit: {limits.LabelValueLength})";
            }
        }

        return null;
    }

    private static string Name(LabelSet labels) => labels.MetricName.Length > 50 ? labels.MetricName[..50] : labels.MetricName;

    private static void Count(AppendOutcome outcome, ref AppendedBody result)
    {
        switch (outcome)
        {
            case AppendOutcome.Ok:
                break;
            case AppendOutcome.DuplicateTimestamp:
                result.Duplicates++;
                break;
            case AppendOutcome.OutOfOrder:
                result.OutOfOrder++;
                break;
            case AppendOutcome.LimitReached:
                result.Refused++;
                break;
            default:
                result.OutOfBounds++;
                break;
        }
    }
}

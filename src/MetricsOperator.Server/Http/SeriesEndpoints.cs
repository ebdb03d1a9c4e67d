using System.Globalization;
using System.Text;
using MetricsOperator.Server.Queries;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>What series and labels exist: <c>/api/v1/series</c>, <c>labels</c>, <c>label/{name}/values</c>.</summary>
internal sealed class SeriesEndpoints(Func<QueryView?> view, MetricUsage usage)
{
    private const string Truncated = "results truncated due to limit";

    public async Task SeriesAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var selectors = parameters.Selectors();
        if (selectors.Count == 0)
        {
            throw new ApiException(ApiErrorType.BadData, "no match[] parameter provided");
        }

        var limit = parameters.Limit();
        var (startMs, endMs) = Range(parameters);
        using var querier = Open(startMs, endMs);
        usage.Count(QueryUsage.Of(selectors, label: null, allLabels: true), QueryRecords.IsMarked(context.Request));
        var hints = new SelectHints(startMs, endMs, Function: "series", Limit: limit == 0 ? 0 : limit + 1);
        var warnings = new List<string>();
        var found = selectors.Count > 1 ? new SortedSet<LabelSet>() : null;
        var series = new List<LabelSet>();
        foreach (var selector in selectors)
        {
            var set = querier.Select(sorted: true, hints, selector, context.RequestAborted);
            while ((limit == 0 || series.Count <= limit) && set.MoveNext())
            {
                if (found is null)
                {
                    series.Add(set.Labels);
                }
                else
                {
                    found.Add(set.Labels);
                }
            }

            warnings.AddRange(set.Warnings);
        }

        series = found is null ? series : [.. found];
        Truncate(series, limit, warnings);
        await Envelope.WriteAsync(
            context,
            async output =>
            {
                output.Writer.WriteStartArray();
                foreach (var labels in series)
                {
                    output.Writer.WriteLabels(labels);
                    await output.FlushIfLargeAsync();
                }

                output.Writer.WriteEndArray();
            },
            warnings,
            null);
    }

    public async Task LabelNamesAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        await AnswerAsync(context, parameters, label: null, (querier, matchers, limit) => querier.LabelNames(matchers, limit, context.RequestAborted));
    }

    public async Task LabelValuesAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var name = Unescape((string?)context.Request.RouteValues["name"] ?? string.Empty);
        if (name.Length == 0)
        {
            throw new ApiException(ApiErrorType.BadData, "invalid label name: \"\"");
        }

        await AnswerAsync(context, parameters, name, (querier, matchers, limit) => querier.LabelValues(name, matchers, limit, context.RequestAborted));
    }

    /// <summary>Turns <c>U__my_2e_name</c> back into <c>my.name</c>; other names stay.</summary>
    internal static string Unescape(string name)
    {
        if (!name.StartsWith("U__", StringComparison.Ordinal))
        {
            return name;
        }

        var text = new StringBuilder();
        for (var i = 3; i < name.Length; i++)
        {
            if (name[i] != '_')
            {
                text.Append(name[i]);
                continue;
            }

            if (i + 1 < name.Length && name[i + 1] == '_')
            {
                text.Append('_');
                i++;
                continue;
            }

            var end = name.IndexOf('_', i + 1);
            if (end < 0 || !int.TryParse(name.AsSpan(i + 1, end - i - 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var rune) || !Rune.IsValid(rune))
            {
                return name;
            }

            text.Append(new Rune(rune).ToString());
            i = end;
        }

        return text.ToString();
    }

    private static (long StartMs, long EndMs) Range(ApiParameters parameters)
    {
        var startMs = parameters.TimeMs("start", long.MinValue);
        var endMs = parameters.TimeMs("end", long.MaxValue);
        return endMs < startMs ? throw ApiException.Parameter("end", "end timestamp must not be before start timestamp") : (startMs, endMs);
    }

    private static void Truncate<T>(List<T> values, int limit, List<string> warnings)
    {
        if (limit > 0 && values.Count > limit)
        {
            values.RemoveRange(limit, values.Count - limit);
            warnings.Add(Truncated);
        }
    }

    private ISeriesQuerier Open(long startMs, long endMs) =>
        (view() ?? throw new ApiException(ApiErrorType.Unavailable, "TSDB not ready")).Storage.OpenQuerier(startMs, endMs);

    private async Task AnswerAsync(
        HttpContext context, ApiParameters parameters, string? label, Func<ISeriesQuerier, IReadOnlyList<LabelMatcher>, int, IReadOnlyList<string>> read)
    {
        var selectors = parameters.Selectors();
        var limit = parameters.Limit();
        var (startMs, endMs) = Range(parameters);
        var ask = limit == 0 ? 0 : limit + 1;
        List<string> values;

        // Without a selector it is the list of all names, which is no use of any metric.
        if (selectors.Count > 0)
        {
            usage.Count(QueryUsage.Of(selectors, label, allLabels: false), QueryRecords.IsMarked(context.Request));
        }

        using (var querier = Open(startMs, endMs))
        {
            values = selectors.Count <= 1
                ? [.. read(querier, selectors.Count == 0 ? [] : selectors[0], ask)]
                : [.. selectors.SelectMany(s => read(querier, s, ask)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        }

        var warnings = new List<string>();
        Truncate(values, limit, warnings);
        await Envelope.WriteAsync(context, json => json.WriteStrings(values), warnings);
    }
}

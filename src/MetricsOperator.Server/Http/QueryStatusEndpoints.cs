using System.Text.Json;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Queries;
using MetricsOperator.Timeseries.Contracts;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>
/// What is known of queries: <c>/api/v1/status/queries</c> (running, unfinished, cost by form, killers), <c>/api/v1/status/usage</c> (metrics and labels
/// asked for), and the lifting of a refusal.
/// </summary>
internal sealed class QueryStatusEndpoints(QueryRecords records, ServerFlags flags)
{
    private const int DefaultLimit = 20;
    private const int DefaultUsageLimit = 1000;

    /// <summary>Queries; <c>limit</c> is how many forms it tells the cost of.</summary>
    public async Task QueriesAsync(HttpContext context)
    {
        var wanted = (await ApiParameters.ReadAsync(context)).Limit();
        var ledger = Ledger();
        await Envelope.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            WriteAll(json, "running"u8, ledger.Running, WriteRunning);
            WriteAll(json, "unfinished"u8, ledger.Unfinished, WriteActive);
            WriteAll(json, "killers"u8, ledger.Deaths.All, WriteKiller);
            json.WriteNumber("forms"u8, ledger.Costs.Count);
            json.WriteNumber("formsForgotten"u8, ledger.Costs.Forgotten);
            WriteAll(json, "heaviest"u8, ledger.Costs.Heaviest(wanted == 0 ? DefaultLimit : wanted), WriteCost);
            json.WriteEndObject();
        });
    }

    /// <summary>The use of metrics, last asked first; <c>limit</c> is how many, 0 for all.</summary>
    public async Task UsageAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var limit = parameters.Get("limit").Length == 0 ? DefaultUsageLimit : parameters.Limit();
        var report = records.ReportUsage(limit == 0 ? int.MaxValue : limit);
        var (counted, ignored) = records.Usage.Requests;
        await Envelope.WriteAsync(
            context,
            async output =>
            {
                var json = output.Writer;
                json.WriteStartObject();
                json.WriteNumber("trackingSince"u8, report.TrackingSince);
                json.WriteNumber("requestsCounted"u8, counted);
                json.WriteNumber("requestsIgnored"u8, ignored);
                json.WriteNumber("metricsKnown"u8, records.Usage.Counts.Metrics);
                json.WriteNumber("forgotten"u8, report.Forgotten);
                json.WriteNumber("forgottenUntil"u8, report.ForgottenUntil);
                json.WriteStartArray("metrics"u8);
                foreach (var row in report.Metrics)
                {
                    WriteUsage(json, row);
                    await output.FlushIfLargeAsync();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            },
            null,
            null);
    }

    /// <summary>Forgets the deaths by the queries with a <c>fingerprint</c>.</summary>
    public async Task LiftAsync(HttpContext context)
    {
        if (!flags.EnableAdminApi)
        {
            throw new ApiException(ApiErrorType.Unavailable, "admin APIs disabled");
        }

        var text = (await ApiParameters.ReadAsync(context)).Get("fingerprint");
        if (!QueryForm.TryParse(text, out var fingerprint))
        {
            throw ApiException.Parameter("fingerprint", $"got \"{text}\", want 16 hexadecimal digits");
        }

        try
        {
            if (!Ledger().Deaths.Lift(fingerprint))
            {
                throw new ApiException(ApiErrorType.NotFound, $"no query with fingerprint {text} is held responsible for a death");
            }
        }
        catch (StorageException e)
        {
            throw new ApiException(ApiErrorType.Internal, $"lifted until the next start only: {e.Message}", e);
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private QueryLedger Ledger() => records.Ledger ?? throw new ApiException(ApiErrorType.Unavailable, "TSDB not ready");

    private static void WriteAll<T>(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            json.WriteStartObject();
            write(json, item);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteRunning(Utf8JsonWriter json, ActiveQuery query)
    {
        WriteActive(json, query);
        json.WriteNumber("heldBytes"u8, query.HeldBytes);
    }

    private static void WriteActive(Utf8JsonWriter json, ActiveQuery query)
    {
        json.WriteString("query"u8, query.Query);
        json.WriteString("fingerprint"u8, query.Fingerprint is { } fingerprint ? QueryForm.Format(fingerprint) : string.Empty);
        json.WriteTime("started", query.Started);
        json.WriteNumber("spanMs"u8, query.SpanMs);
        json.WriteNumber("peakBytes"u8, query.PeakBytes);
    }

    private static void WriteKiller(Utf8JsonWriter json, (KillerQuery Query, DateTimeOffset? RefusedUntil) killer)
    {
        json.WriteString("fingerprint"u8, killer.Query.Fingerprint);
        json.WriteString("query"u8, killer.Query.Query);
        if (killer.RefusedUntil is { } until)
        {
            json.WriteTime("refusedUntil", until);
        }

        json.WriteStartArray("deaths"u8);
        foreach (var death in killer.Query.Deaths)
        {
            json.WriteStartObject();
            json.WriteString("bootId"u8, death.BootId);
            json.WriteTime("found", death.At);
            json.WriteNumber("spanMs"u8, death.SpanMs);
            json.WriteNumber("peakBytes"u8, death.PeakBytes);
            json.WriteNumber("usedBytes"u8, death.UsedBytes);
            json.WriteNumber("limitBytes"u8, death.LimitBytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteCost(Utf8JsonWriter json, QueryCostReport form)
    {
        json.WriteString("fingerprint"u8, QueryForm.Format(form.Fingerprint));
        json.WriteString("query"u8, form.Query);
        json.WriteNumber("count"u8, form.Count);
        json.WriteNumber("failures"u8, form.Failures);
        json.WriteNumber("peakBytes"u8, form.PeakBytes);
        json.WriteNumber("maxSamples"u8, form.MaxSamples);
        json.WriteNumber("samples"u8, form.Samples);
        json.WriteNumber("maxSeconds"u8, Math.Round(form.MaxDuration.TotalSeconds, 6));
        json.WriteNumber("seconds"u8, Math.Round(form.Duration.TotalSeconds, 6));
        json.WriteTime("last", form.Last);
    }

    private static void WriteUsage(Utf8JsonWriter json, MetricUsageRow row)
    {
        json.WriteStartObject();
        json.WriteString("metric"u8, row.Metric);
        WriteAsked(json, new Asked(row.LastAsked, row.Count));
        json.WriteStartObject("allLabels"u8);
        WriteAsked(json, row.AllLabels);
        json.WriteEndObject();
        json.WriteStartObject("labels"u8);
        foreach (var (label, asked) in row.Labels.OrderBy(l => l.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(label);
            WriteAsked(json, asked);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteAsked(Utf8JsonWriter json, Asked asked)
    {
        json.WriteNumber("lastAsked"u8, asked.LastAsked);
        json.WriteNumber("count"u8, asked.Count);
    }
}

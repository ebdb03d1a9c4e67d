using System.Text.Json;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Tsdb;
using MetricsOperator.Tsdb.Exemplars;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>Exemplars of the series that an expression selects: <c>/api/v1/query_exemplars</c>.</summary>
internal sealed class ExemplarEndpoints(Func<TimeSeriesDb?> storage, ParserOptions syntax)
{
    public async Task QueryAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var startMs = parameters.TimeMs("start", long.MinValue);
        var endMs = parameters.TimeMs("end", long.MaxValue);
        if (endMs < startMs)
        {
            throw new ApiException(ApiErrorType.BadData, "end timestamp must not be before start timestamp");
        }

        var selectors = Parse(parameters.Get("query")).DescendantsAndSelf().OfType<VectorSelector>().Select(s => s.Matchers).ToList();
        if (selectors.Count == 0)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        var target = storage() ?? throw new ApiException(ApiErrorType.Unavailable, "TSDB not ready");
        await Envelope.WriteAsync(
            context,
            async output =>
            {
                output.Writer.WriteStartArray();
                foreach (var series in target.SelectExemplars(startMs, endMs, selectors, context.RequestAborted))
                {
                    Write(output.Writer, series);
                    await output.FlushIfLargeAsync();
                }

                output.Writer.WriteEndArray();
            },
            null,
            null);
    }

    private static void Write(Utf8JsonWriter json, SeriesExemplars series)
    {
        json.WriteStartObject();
        json.WritePropertyName("seriesLabels"u8);
        json.WriteLabels(series.Labels);
        json.WriteStartArray("exemplars"u8);
        foreach (var exemplar in series.Exemplars)
        {
            json.WriteStartObject();
            json.WritePropertyName("labels"u8);
            json.WriteLabels(exemplar.Labels);
            json.WritePropertyName("value"u8);
            json.WriteSampleValue(exemplar.Value);
            json.WritePropertyName("timestamp"u8);
            json.WriteTimestamp(exemplar.TimestampMs);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private Expr Parse(string query)
    {
        try
        {
            return PromQLParser.Parse(query, syntax);
        }
        catch (ParseException e)
        {
            throw new ApiException(ApiErrorType.BadData, e.Message, e);
        }
    }
}

using MetricsOperator.Server.Memory;
using MetricsOperator.Tsdb;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>Where the memory of this process is, byte by byte, and what is done about it: <c>/api/v1/status/memory</c>.</summary>
/// <param name="guard">Keeps the budget; null without one.</param>
/// <param name="storage">The storage.</param>
internal sealed class MemoryEndpoint(MemoryGuard? guard, Func<TimeSeriesDb?> storage)
{
    private const int DefaultLimit = 10;

    /// <summary>Answers a request; <c>limit</c> is how many of the largest targets and most refused families it tells.</summary>
    public async Task GetAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var wanted = parameters.Limit();
        var limit = wanted == 0 ? DefaultLimit : (int)Math.Min(wanted, 1000);
        var current = storage() ?? throw new ApiException(ApiErrorType.Unavailable, "TSDB not ready");
        var report = current.Memory(limit, limit);
        await Envelope.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            WriteBudget(json);
            WriteHead(json, report);
            WriteAdmission(json, report);
            json.WriteEndObject();
        });
    }

    private void WriteBudget(System.Text.Json.Utf8JsonWriter json)
    {
        json.WriteNumber("budgetBytes"u8, guard?.Budget.TotalBytes ?? 0);
        json.WriteString("guard"u8, guard is null ? "off" : guard.Mode == MemoryGuardMode.Enforce ? "enforce" : "observe");
        json.WriteString("level"u8, (guard?.Level ?? PressureLevel.Calm).ToString().ToLowerInvariant());
        json.WriteNumber("pressure"u8, guard is null ? 0 : Math.Round(guard.Reading.Pressure(guard.Budget), 4));
        json.WriteStartArray("parts"u8);
        foreach (var (name, limit, used) in guard?.Parts() ?? [])
        {
            json.WriteStartObject();
            json.WriteString("part"u8, name);
            json.WriteNumber("limitBytes"u8, limit);
            if (used >= 0)
            {
                json.WriteNumber("usedBytes"u8, used);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteHead(System.Text.Json.Utf8JsonWriter json, HeadMemoryReport report)
    {
        json.WriteStartObject("head"u8);
        json.WriteNumber("capBytes"u8, report.CapBytes);
        json.WriteNumber("usedBytes"u8, report.UsedBytes);
        json.WriteNumber("series"u8, report.Series);
        json.WriteStartObject("uses"u8);
        foreach (var use in report.Uses)
        {
            json.WriteNumber(use.Name, use.Value);
        }

        json.WriteEndObject();
        json.WriteStartArray("targets"u8);
        foreach (var target in report.Targets)
        {
            json.WriteStartObject();
            json.WriteString("job"u8, target.Job);
            json.WriteString("instance"u8, target.Instance);
            json.WriteNumber("series"u8, target.Series);
            json.WriteNumber("bytes"u8, target.Bytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteAdmission(System.Text.Json.Utf8JsonWriter json, HeadMemoryReport report)
    {
        json.WriteStartObject("admission"u8);
        json.WriteString("level"u8, report.Admission.ToString().ToLowerInvariant());
        json.WriteNumber("admittedUnderPressure"u8, report.AdmittedUnderPressure);
        json.WriteStartArray("refused"u8);
        foreach (var refused in report.Refused)
        {
            json.WriteStartObject();
            json.WriteString("job"u8, refused.Job);
            json.WriteString("reason"u8, refused.Reason);
            json.WriteNumber("series"u8, refused.Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("refusedFamilies"u8);
        foreach (var family in report.RefusedFamilies)
        {
            json.WriteStartObject();
            json.WriteString("job"u8, family.Job);
            json.WriteString("instance"u8, family.Instance);
            json.WriteString("family"u8, family.Family);
            json.WriteNumber("series"u8, family.Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}

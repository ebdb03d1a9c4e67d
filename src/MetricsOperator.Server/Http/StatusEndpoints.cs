using System.Globalization;
using System.Reflection;
using System.Text.Json;
using MetricsOperator.Server.Config;
using MetricsOperator.Tsdb;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>What this process is and does: <c>/api/v1/status/*</c> and <c>/version</c>. All but <c>status/tsdb</c> answer during replay.</summary>
internal sealed class StatusEndpoints(Func<RuntimeView> runtime, Func<QueryView?> view, Func<string> configYaml, ServerFlags flags, TimeProvider time)
{
    /// <summary>Version of the product.</summary>
    public static string Version { get; } =
        typeof(StatusEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    /// <summary>The Prometheus version whose API this is; clients look at it to know what they may ask for.</summary>
    private const string CompatibleVersion = "3.5.0";

    public Task ConfigAsync(HttpContext context) => Envelope.WriteAsync(context, json =>
    {
        json.WriteStartObject();
        json.WriteString("yaml"u8, configYaml());
        json.WriteEndObject();
    });

    public Task FlagsAsync(HttpContext context) => Envelope.WriteAsync(context, json =>
    {
        json.WriteStartObject();
        foreach (var (name, value) in flags.All.OrderBy(f => f.Key, StringComparer.Ordinal))
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
    });

    public Task BuildAsync(HttpContext context) => Envelope.WriteAsync(context, WriteBuild);

    /// <summary>The same without an envelope.</summary>
    public static async Task VersionAsync(HttpContext context)
    {
        await using var output = new JsonOutput(context, StatusCodes.Status200OK);
        WriteBuild(output.Writer);
    }

    public Task RuntimeAsync(HttpContext context) => Envelope.WriteAsync(context, json =>
    {
        var state = runtime();
        var limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        json.WriteStartObject();
        json.WriteTime("startTime", state.StartTime);
        json.WriteString("CWD"u8, Environment.CurrentDirectory);
        json.WriteString("hostname"u8, Environment.MachineName);
        json.WriteTime("serverTime", time.GetUtcNow());
        json.WriteBoolean("reloadConfigSuccess"u8, state.ConfigError.Length == 0);
        json.WriteTime("lastConfigTime", state.ConfigTime);
        json.WriteNumber("corruptionCount"u8, 0);
        json.WriteNumber("goroutineCount"u8, ThreadPool.ThreadCount);
        json.WriteNumber("GOMAXPROCS"u8, Environment.ProcessorCount);
        json.WriteNumber("GOMEMLIMIT"u8, limit);
        json.WriteString("GOGC"u8, string.Empty);
        json.WriteString("GODEBUG"u8, string.Empty);
        json.WriteString("storageRetention"u8, Retention());
        json.WriteString("configHash"u8, state.ConfigHash);
        json.WriteString("configError"u8, state.ConfigError);
        json.WriteString("phase"u8, state.Phase);
        json.WriteNumber("replayPercent"u8, Math.Round(state.ReplayPercent, 1));
        json.WriteNumber("memoryBudgetBytes"u8, flags.MemoryBudget);
        json.WriteEndObject();
    });

    public Task ReplayAsync(HttpContext context) => Envelope.WriteAsync(context, json =>
    {
        var (total, done) = runtime().ReplaySegments;
        json.WriteStartObject();
        json.WriteNumber("min"u8, 0);
        json.WriteNumber("max"u8, total);
        json.WriteNumber("current"u8, done);
        json.WriteEndObject();
    });

    public async Task TsdbAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var text = parameters.Get("limit");
        var limit = 10;
        if (text.Length > 0 && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit < 1))
        {
            throw new ApiException(ApiErrorType.BadData, "limit must be a positive number");
        }

        var current = view() ?? throw new ApiException(ApiErrorType.Unavailable, "TSDB not ready");
        var head = current.Head();
        var tables = current.Cardinality(Math.Min(limit, 10_000));
        await Envelope.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("headStats"u8);
            json.WriteNumber("numSeries"u8, head.NumSeries);
            json.WriteNumber("numLabelPairs"u8, head.NumLabelPairs);
            json.WriteNumber("chunkCount"u8, head.ChunkCount);
            json.WriteNumber("minTime"u8, head.MinTime);
            json.WriteNumber("maxTime"u8, head.MaxTime);
            json.WriteEndObject();
            WriteTable(json, "seriesCountByMetricName", tables.SeriesCountByMetricName);
            WriteTable(json, "labelValueCountByLabelName", tables.LabelValueCountByLabelName);
            WriteTable(json, "memoryInBytesByLabelName", tables.MemoryInBytesByLabelName);
            WriteTable(json, "seriesCountByLabelValuePair", tables.SeriesCountByLabelValuePair);
            json.WriteEndObject();
        });
    }

    private static void WriteTable(Utf8JsonWriter json, string name, IReadOnlyList<NamedCount> rows)
    {
        json.WriteStartArray(name);
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, row.Name);
            json.WriteNumber("value"u8, row.Value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteBuild(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("version"u8, CompatibleVersion);
        json.WriteString("revision"u8, $"metricsoperator-{Version}");
        json.WriteString("branch"u8, string.Empty);
        json.WriteString("buildUser"u8, string.Empty);
        json.WriteString("buildDate"u8, string.Empty);
        json.WriteString("goVersion"u8, string.Create(CultureInfo.InvariantCulture, $".NET {Environment.Version}"));
        json.WriteEndObject();
    }

    private string Retention()
    {
        var retention = DurationText.Format(flags.RetentionTime);
        var size = flags.RetentionBytes > 0 ? $" or {ByteSize.Format(flags.RetentionBytes)}" : string.Empty;
        var share = flags.RetentionPercentage > 0 ? string.Create(CultureInfo.InvariantCulture, $" or {flags.RetentionPercentage}%") : string.Empty;
        return retention + size + share;
    }
}

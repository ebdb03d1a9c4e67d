using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>Changes to stored data: <c>/api/v1/admin/tsdb/*</c>. They wait for housekeeping and end when the client goes away.</summary>
internal sealed class AdminEndpoints(Func<TimeSeriesDb?> storage, ServerFlags flags)
{
    public async Task DeleteSeriesAsync(HttpContext context)
    {
        var target = Storage();
        var parameters = await ApiParameters.ReadAsync(context);
        var selectors = parameters.Selectors();
        if (selectors.Count == 0)
        {
            throw new ApiException(ApiErrorType.BadData, "no match[] parameter provided");
        }

        var startMs = parameters.TimeMs("start", long.MinValue);
        var endMs = parameters.TimeMs("end", long.MaxValue);
        await RunAsync(context, stop =>
        {
            foreach (var selector in selectors)
            {
                target.Delete(selector, startMs, endMs, stop);
            }
        });
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task CleanTombstonesAsync(HttpContext context)
    {
        var target = Storage();
        await RunAsync(context, target.CleanTombstones);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    public async Task SnapshotAsync(HttpContext context)
    {
        var target = Storage();
        var skipHead = SkipHead(await ApiParameters.ReadAsync(context));
        var name = string.Empty;
        await RunAsync(context, stop => name = target.Snapshot(skipHead, stop));
        await Envelope.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("name"u8, name);
            json.WriteEndObject();
        });
    }

    // The spellings are those that Go reads as a boolean.
    private static bool SkipHead(ApiParameters parameters) => parameters.Get("skip_head") switch
    {
        "" or "0" or "f" or "F" or "false" or "False" or "FALSE" => false,
        "1" or "t" or "T" or "true" or "True" or "TRUE" => true,
        var other => throw ApiException.Parameter(
            "skip_head", $"unable to parse boolean: strconv.ParseBool: parsing {LabelNames.Quote(other)}: invalid syntax"),
    };

    private static Task RunAsync(HttpContext context, Action<CancellationToken> act) =>
        Task.Run(() => act(context.RequestAborted), context.RequestAborted);

    private TimeSeriesDb Storage() => flags.EnableAdminApi
        ? storage() ?? throw new ApiException(ApiErrorType.Unavailable, "TSDB not ready")
        : throw new ApiException(ApiErrorType.Unavailable, "admin APIs disabled");
}

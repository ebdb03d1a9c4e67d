using MetricsOperator.Server.Http;
using MetricsOperator.Server.Queries;
using MetricsOperator.Server.RemoteWrite;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Hosting;

/// <summary>The handlers of the API, made by the host.</summary>
internal sealed record ApiHandlers(
    QueryEndpoints Query, SeriesEndpoints Series, TargetEndpoints Targets, StatusEndpoints Status, MemoryEndpoint Memory, QueryStatusEndpoints Queries, ManagementEndpoints Management, StartPage StartPage, RemoteWriteReceiver RemoteWrite,
    ExemplarEndpoints Exemplars, AdminEndpoints Admin);

/// <summary>The one list of paths.</summary>
internal static class ApiRoutes
{
    private const string Read = "GET POST";
    private const string Change = "POST PUT";

    public static void Map(RouteTable routes, ApiHandlers handlers, Func<bool> isReady, ILogger logger)
    {
        // Data needs storage; what tells about the process itself answers from the first second.
        Data(Read, "/api/v1/query", handlers.Query.InstantAsync);
        Data(Read, "/api/v1/query_range", handlers.Query.RangeAsync);
        Data(Read, "/api/v1/format_query", handlers.Query.FormatAsync);
        Data(Read, "/api/v1/parse_query", handlers.Query.ParseAsync);
        Data(Read, "/api/v1/query_exemplars", handlers.Exemplars.QueryAsync);
        Data(Read, "/api/v1/series", handlers.Series.SeriesAsync);
        Data(Read, "/api/v1/labels", handlers.Series.LabelNamesAsync);
        Data("GET", "/api/v1/label/{name}/values", handlers.Series.LabelValuesAsync);
        Data("GET", "/api/v1/status/tsdb", handlers.Status.TsdbAsync);
        Data("GET", "/api/v1/targets", handlers.Targets.TargetsAsync);
        Data("GET", "/api/v1/targets/metadata", handlers.Targets.TargetMetadataAsync);
        Data("GET", "/api/v1/metadata", handlers.Targets.MetadataAsync);
        Data("GET", "/api/v1/scrape_pools", handlers.Targets.PoolsAsync);
        Data(Change, "/api/v1/admin/tsdb/delete_series", handlers.Admin.DeleteSeriesAsync);
        Data(Change, "/api/v1/admin/tsdb/clean_tombstones", handlers.Admin.CleanTombstonesAsync);
        Data(Change, "/api/v1/admin/tsdb/snapshot", handlers.Admin.SnapshotAsync);

        Data("GET", "/api/v1/status/memory", handlers.Memory.GetAsync);
        Data("GET", "/api/v1/status/queries", handlers.Queries.QueriesAsync);
        Data("GET", "/api/v1/status/usage", handlers.Queries.UsageAsync);
        Data(Change, QueryDeaths.LiftPath, handlers.Queries.LiftAsync);

        Always("GET", "/api/v1/status/config", handlers.Status.ConfigAsync);
        Always("GET", "/api/v1/status/flags", handlers.Status.FlagsAsync);
        Always("GET", "/api/v1/status/runtimeinfo", handlers.Status.RuntimeAsync);
        Always("GET", "/api/v1/status/buildinfo", handlers.Status.BuildAsync);
        Always("GET", "/api/v1/status/walreplay", handlers.Status.ReplayAsync);

        routes.Map("POST", "/api/v1/write", handlers.RemoteWrite.HandleAsync);
        routes.Map("GET", "/-/healthy", ManagementEndpoints.HealthyAsync);
        routes.Map("GET", "/-/ready", handlers.Management.ReadyAsync);
        routes.Map(Change, "/-/reload", handlers.Management.ReloadAsync, "Only POST or PUT requests allowed\n");
        routes.Map(Change, "/-/quit", handlers.Management.QuitAsync, "Only POST or PUT requests allowed\n");
        routes.Map("GET", "/metrics", handlers.Management.MetricsAsync);
        routes.Map("GET", "/version", StatusEndpoints.VersionAsync);
        routes.Map("GET", "/", handlers.StartPage.GetAsync);

        void Always(string methods, string path, RequestDelegate handler) => routes.Map(methods, path, Envelope.Guard(handler, logger));

        void Data(string methods, string path, RequestDelegate handler)
        {
            var guarded = Envelope.Guard(handler, logger);
            routes.Map(methods, path, context => isReady()
                ? guarded(context)
                : RouteTable.WriteTextAsync(context, StatusCodes.Status503ServiceUnavailable, "Service Unavailable\n"));
        }
    }
}

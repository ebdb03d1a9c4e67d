using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>
/// Which handler answers which path. Everything that is the same for all paths is done here: prefix, methods, CORS, counting, the texts for
/// unknown paths and wrong methods.
/// </summary>
public sealed class RouteTable : IDisposable
{
    private readonly Dictionary<string, Route> _routes = new(StringComparer.Ordinal);
    private readonly string _prefix;
    private readonly AnchoredRegex _corsOrigin;
    private readonly Meter _meter = new("MetricsOperator.Server");
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _durations;

    /// <param name="prefix">Prefix of all paths, without a slash at the end.</param>
    /// <param name="corsOrigin">Regular expression for allowed origins.</param>
    /// <exception cref="ArgumentException">The expression is not valid.</exception>
    public RouteTable(string prefix, string corsOrigin)
    {
        _prefix = prefix;
        _corsOrigin = new AnchoredRegex(corsOrigin);
        _requests = _meter.CreateCounter<long>("prometheus_http_requests_total", description: "Counter of HTTP requests.");
        _durations = _meter.CreateHistogram(
            "prometheus_http_request_duration_seconds",
            description: "Histogram of latencies for HTTP requests.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.1, 1, 10, 60] });
    }

    /// <summary>Adds a handler.</summary>
    /// <param name="methods">Methods, separated by blanks.</param>
    /// <param name="path">The path; a part <c>{name}</c> stands for any one segment, handed over as a route value.</param>
    /// <param name="handler">Answers the request.</param>
    /// <param name="wrongMethod">Text for other methods.</param>
    public void Map(string methods, string path, RequestDelegate handler, string wrongMethod = "Method Not Allowed\n") =>
        _routes.Add(path, new Route(path, methods.Split(' '), handler, wrongMethod));

    /// <summary>Answers a request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var began = Stopwatch.GetTimestamp();
        var path = context.Request.Path.Value ?? "/";
        var route = path.StartsWith(_prefix, StringComparison.Ordinal) ? Find(path[_prefix.Length..], context) : null;
        SetCors(context);
        try
        {
            await AnswerAsync(context, route);
        }
        finally
        {
            var handler = new KeyValuePair<string, object?>("handler", route?.Path ?? "/*");
            _requests.Add(1, handler, new("code", context.Response.StatusCode.ToString(CultureInfo.InvariantCulture)));
            _durations.Record(Stopwatch.GetElapsedTime(began).TotalSeconds, handler);
        }
    }

    public void Dispose() => _meter.Dispose();

    private static async Task AnswerAsync(HttpContext context, Route? route)
    {
        if (route is null)
        {
            await WriteTextAsync(context, StatusCodes.Status404NotFound, "404 page not found\n");
        }
        else if (route.Methods.Contains(context.Request.Method, StringComparer.Ordinal)
            || (context.Request.Method == HttpMethods.Head && route.Methods.Contains(HttpMethods.Get, StringComparer.Ordinal)))
        {
            await route.Handler(context);
        }
        else if (context.Request.Method == HttpMethods.Options && route.Path.StartsWith("/api/", StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        else
        {
            context.Response.Headers.Allow = string.Join(", ", route.Methods);
            await WriteTextAsync(context, StatusCodes.Status405MethodNotAllowed, route.WrongMethod);
        }
    }

    /// <summary>Answers with plain text.</summary>
    public static async Task WriteTextAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (context.Request.Method != HttpMethods.Head)
        {
            await context.Response.WriteAsync(text, context.RequestAborted);
        }
    }

    private Route? Find(string path, HttpContext context)
    {
        if (path.Length == 0)
        {
            path = "/";
        }

        if (_routes.TryGetValue(path, out var exact))
        {
            return exact;
        }

        var segments = path.Split('/');
        foreach (var route in _routes.Values)
        {
            if (route.Parameter is not null && route.Matches(segments, out var value))
            {
                context.Request.RouteValues[route.Parameter] = Uri.UnescapeDataString(value);
                return route;
            }
        }

        return null;
    }

    private void SetCors(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.Vary = "Origin";
        var origin = context.Request.Headers.Origin.ToString();
        if (origin.Length > 0 && _corsOrigin.IsMatch(Encoding.UTF8.GetBytes(origin)))
        {
            headers.AccessControlAllowOrigin = origin;
            headers.AccessControlAllowMethods = "GET, POST, OPTIONS";
            headers.AccessControlAllowHeaders = "Accept, Authorization, Content-Type, Origin";
            headers.AccessControlExposeHeaders = "Date";
        }
    }

    private sealed class Route
    {
        private readonly string[] _segments;
        private readonly int _parameterIndex;

        public Route(string path, string[] methods, RequestDelegate handler, string wrongMethod)
        {
            Path = path;
            Methods = methods;
            Handler = handler;
            WrongMethod = wrongMethod;
            _segments = path.Split('/');
            _parameterIndex = Array.FindIndex(_segments, s => s.StartsWith('{'));
            Parameter = _parameterIndex < 0 ? null : _segments[_parameterIndex].Trim('{', '}');
        }

        public string Path { get; }

        public string[] Methods { get; }

        public RequestDelegate Handler { get; }

        public string WrongMethod { get; }

        public string? Parameter { get; }

        public bool Matches(string[] segments, out string value)
        {
            value = string.Empty;
            if (segments.Length != _segments.Length)
            {
                return false;
            }

            for (var i = 0; i < segments.Length; i++)
            {
                if (i == _parameterIndex)
                {
                    value = segments[i];
                }
                else if (segments[i] != _segments[i])
                {
                    return false;
                }
            }

            return value.Length > 0;
        }
    }
}

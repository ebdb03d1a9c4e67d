using System.Globalization;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace MetricsOperator.Server.Http;

/// <summary>Parameters of a request: those of the URL and, for a POST, those of the form; a repeated name has all values.</summary>
internal sealed class ApiParameters
{
    // The extremes that Go clients send for "from the beginning" and "to the end".
    private const string GoMinTime = "-292273086-05-16T16:47:06Z";
    private const string GoMaxTime = "292277025-08-18T07:12:54.999999999Z";

    private readonly IQueryCollection _query;
    private readonly IFormCollection? _form;

    private ApiParameters(IQueryCollection query, IFormCollection? form)
    {
        _query = query;
        _form = form;
    }

    public static async Task<ApiParameters> ReadAsync(HttpContext context)
    {
        try
        {
            return new ApiParameters(
                context.Request.Query, context.Request.HasFormContentType ? await context.Request.ReadFormAsync(context.RequestAborted) : null);
        }
        catch (InvalidDataException e)
        {
            throw new ApiException(ApiErrorType.BadData, $"error parsing form values: {e.Message}", e);
        }
    }

    /// <summary>The first value, those of the form before those of the URL; empty when there is none.</summary>
    public string Get(string name) => All(name) is { Count: > 0 } values ? values[0] ?? string.Empty : string.Empty;

    public StringValues All(string name) => _form is not null && _form.TryGetValue(name, out var values)
        ? StringValues.Concat(values, _query[name])
        : _query[name];

    /// <summary>A time that must be there, in milliseconds.</summary>
    public long TimeMs(string name)
    {
        var text = Get(name);
        return TryParseTime(text, out var ms) ? ms : throw ApiException.Parameter(name, $"cannot parse {LabelNames.Quote(text)} to a valid timestamp");
    }

    /// <summary>A time in milliseconds, or a default when it is not given.</summary>
    public long TimeMs(string name, long otherwise)
    {
        var text = Get(name);
        return text.Length == 0
            ? otherwise
            : TryParseTime(text, out var ms)
                ? ms
                : throw ApiException.Parameter(name, $"invalid time value for '{name}': cannot parse {LabelNames.Quote(text)} to a valid timestamp");
    }

    /// <summary>A duration, as seconds or as <c>5m</c>; null when it is not given.</summary>
    public TimeSpan? Duration(string name)
    {
        var text = Get(name);
        return text.Length == 0
            ? null
            : TryParseDuration(text) ?? throw ApiException.Parameter(name, $"cannot parse {LabelNames.Quote(text)} to a valid duration");
    }

    /// <summary>A duration that must be there.</summary>
    public TimeSpan RequiredDuration(string name) =>
        Duration(name) ?? throw ApiException.Parameter(name, "cannot parse \"\" to a valid duration");

    /// <summary>The <c>limit</c>; 0 for none.</summary>
    public int Limit(string name = "limit")
    {
        var text = Get(name);
        if (text.Length == 0)
        {
            return 0;
        }

        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var limit))
        {
            throw ApiException.Parameter(name, $"strconv.Atoi: parsing {LabelNames.Quote(text)}: invalid syntax");
        }

        return limit >= 0 ? limit : throw ApiException.Parameter(name, "limit must be non-negative");
    }

    /// <summary>A limit of the metadata endpoints, where 0 is a limit too; -1 for none.</summary>
    public int MetadataLimit(string name)
    {
        var text = Get(name);
        return text.Length == 0 ? -1
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var limit) ? limit
            : throw new ApiException(ApiErrorType.BadData, $"{name} must be a number");
    }

    /// <summary>The selectors in <c>match[]</c>.</summary>
    public IReadOnlyList<IReadOnlyList<LabelMatcher>> Selectors(string name = "match[]")
    {
        var selectors = new List<IReadOnlyList<LabelMatcher>>();
        foreach (var text in All(name))
        {
            try
            {
                selectors.Add(PromQLParser.ParseSelector(text ?? string.Empty));
            }
            catch (ParseException e)
            {
                throw ApiException.Parameter(name, e.Message, e);
            }
        }

        return selectors;
    }

    private static bool TryParseTime(string text, out long ms)
    {
        ms = 0;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && double.IsFinite(seconds))
        {
            var exact = Math.Round(seconds * 1000, MidpointRounding.AwayFromZero);
            ms = exact >= long.MaxValue ? long.MaxValue : exact <= long.MinValue ? long.MinValue : (long)exact;
            return true;
        }

        if (text is GoMinTime or GoMaxTime)
        {
            ms = text == GoMinTime ? long.MinValue : long.MaxValue;
            return true;
        }

        if (text.Length >= 20 && text[10] is 'T' or 't'
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind | DateTimeStyles.AssumeUniversal, out var time))
        {
            ms = time.ToUnixTimeMilliseconds();
            return true;
        }

        return false;
    }

    private static TimeSpan? TryParseDuration(string text)
    {
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds))
        {
            return Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
        }

        return DurationText.TryParse(text, out var duration, out _) ? duration : null;
    }
}

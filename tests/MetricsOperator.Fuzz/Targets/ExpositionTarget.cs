using System.Text;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Timeseries.Exposition;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>A scrape body; the first byte of an input, if odd, makes it OpenMetrics.</summary>
public sealed class ExpositionTarget : FuzzTarget
{
    private const string Text = """
        # HELP http_requests_total The total number of "HTTP" requests.\nSecond line \\ backslash
        # TYPE http_requests_total counter
        http_requests_total{method="post",code="200"} 1027 1395066363000
        http_requests_total{method="post",code="400"}    3 1395066363000
        # a comment
        msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9
        metric_without_timestamp_and_labels 12.47
        something_weird{problem="division by zero"} +Inf -3982045
        # TYPE http_request_duration_seconds histogram
        http_request_duration_seconds_bucket{le="0.05"} 24054
        http_request_duration_seconds_bucket{le="+Inf"} 144320
        http_request_duration_seconds_sum 53423
        http_request_duration_seconds_count 144320
        # TYPE rpc_duration_seconds summary
        rpc_duration_seconds{quantile="0.01"} 3102
        {"my.metric","a.b"="c",} NaN
        	tab 0x1p4

        """;

    private const string OpenMetrics = """
        # TYPE acme_http_router_request_seconds summary
        # UNIT acme_http_router_request_seconds seconds
        # HELP acme_http_router_request_seconds Latency though all of "ACME"'s HTTP request router.
        acme_http_router_request_seconds_sum{path="/api/v1",method="GET"} 9036.32
        acme_http_router_request_seconds_count{path="/api/v1",method="GET"} 807283.0 1520879607.789
        # TYPE foo histogram
        foo_bucket{le="0.01"} 0 # {} 0.67
        foo_bucket{le="1"} 10 1 # {trace_id="KOO5S4vxi0o",span="x"} 9.8 1520879607.789
        foo_created 1.52e9
        # TYPE a info
        a_info{"quoted.name"="v"} 1
        # EOF

        """;

    private readonly LabelSetBuilder _labels = new();

    public override string Name => "exposition";

    /// <summary>Help texts and exemplars become objects; samples do not.</summary>
    public override AllocationBound Bound => new(8 * 1024, 64);

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[] { "# TYPE ", "# HELP ", "# UNIT ", "# EOF\n", "\n", "{", "}", "\"", "\\", "=\"", "\",", " # {", "+Inf", "NaN", "0x", "_", "\xFF", "é", " 1 1", "1e309" }
            .Select(Encoding.UTF8.GetBytes),
    ];

    public override IReadOnlyList<byte[]> Seeds()
    {
        var seeds = new List<byte[]>();
        foreach (var (format, body) in new[] { ((byte)0, Text), ((byte)1, OpenMetrics) })
        {
            seeds.Add([format, .. Encoding.UTF8.GetBytes(body)]);
            foreach (var line in body.Split('\n'))
            {
                seeds.Add([format, .. Encoding.UTF8.GetBytes(line + (format == 0 ? "\n" : "\n# EOF\n"))]);
            }
        }

        return seeds;
    }

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        if (input.IsEmpty)
        {
            return outcome.Value;
        }

        var format = (input.Span[0] & 1) == 0 ? ExpositionFormat.Text : ExpositionFormat.OpenMetrics;
        var body = input.Span[1..];
        var reader = new ExpositionReader(body, format);
        var kinds = 0UL;
        var lines = 0;
        for (var entry = reader.Next(); ; entry = reader.Next(), lines++)
        {
            kinds |= 1UL << (int)entry;
            switch (entry)
            {
                case ExpositionEntry.Series:
                    if (reader.ReadLabels(_labels))
                    {
                        kinds |= reader.TryReadExemplar(out _) ? 0x100UL : 0x200;
                    }

                    break;
                case ExpositionEntry.Help:
                    _ = reader.ReadHelp();
                    break;
                case ExpositionEntry.Error or ExpositionEntry.End:
                    if (reader.ErrorOffset < 0 || reader.ErrorOffset > body.Length)
                    {
                        throw new InvariantException($"the error is at {reader.ErrorOffset} of {body.Length} bytes");
                    }

                    outcome.Add(kinds);
                    outcome.AddCount(lines);
                    outcome.AddMessage(reader.ErrorMessage);
                    return outcome.Value;
            }

            if (lines > body.Length)
            {
                throw new InvariantException("more lines than bytes");
            }
        }
    }
}

using System.Globalization;
using System.Text;
using MetricsOperator.Timeseries.Exposition;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Tests.Samples;

namespace MetricsOperator.Timeseries.Tests.Exposition;

public sealed class ExpositionReaderTests
{
    [Fact]
    public void Text_lines_are_read_as_prometheus_reads_them()
    {
        void Check(string body, params string[] want) => Assert.Equal(want, Read(body, ExpositionFormat.Text));

        Check("a 1\n", "{__name__=\"a\"} 1");
        Check("a 1", "{__name__=\"a\"} 1");
        Check("\n  \n\ta 1  \n\n", "{__name__=\"a\"} 1");
        Check("a 1 1234\n", "{__name__=\"a\"} 1 @1234");
        Check("a -1 -5\n", "{__name__=\"a\"} -1 @-5");
        Check("a{} 1\n", "{__name__=\"a\"} 1");
        Check("a{b=\"c\"} 1\n", "{__name__=\"a\", b=\"c\"} 1");
        Check("a { b = \"c\" , d=\"e\" , } 1\n", "{__name__=\"a\", b=\"c\", d=\"e\"} 1");
        Check("a{d=\"1\"b=\"2\"}3\n", "{__name__=\"a\", b=\"2\", d=\"1\"} 3");
        Check("a{b=\"\"} 1\n", "{__name__=\"a\"} 1");
        Check("a:b_c9{x=\"q\\\"q\\\\n\\nx\\z\"} 1\n", "{__name__=\"a:b_c9\", x=\"q\\\"q\\\\n\\nx\\\\z\"} 1");
        Check("{\"a.b\"} 1\n", "{__name__=\"a.b\"} 1");
        Check("{\"a.b\",\"l.x\"=\"v\", m=\"w\"} 1\n", "{__name__=\"a.b\", \"l.x\"=\"v\", m=\"w\"} 1");
        Check("{m=\"w\", \"a \\\"b\"} 1\n", "{__name__=\"a \\\"b\", m=\"w\"} 1");
        Check("a{l=\"日本\"} 1\n", "{__name__=\"a\", l=\"日本\"} 1");
        Check("a NaN\nb +Inf\nc -inf\nd 0x\n", "{__name__=\"a\"} NaN", "{__name__=\"b\"} +Inf", "{__name__=\"c\"} -Inf", "error 22: line 4: cannot parse the value: got \"0x\", want a float");
        Check("a 1\n# EOF\n", "{__name__=\"a\"} 1", "comment EOF");
    }

    [Fact]
    public void Text_descriptors_and_comments_are_told_apart()
    {
        void Check(string body, params string[] want) => Assert.Equal(want, Read(body, ExpositionFormat.Text));

        Check("# HELP a some text\n", "help a some text");
        Check("#\tHELP \t a \tx\\\\y\\nz\\\"\n", "help a \tx\\y\nz\\\"");
        Check("# HELP a\n", "help a ");
        Check("# HELP a \n", "help a ");
        Check("# HELP \"a.b\" text\n", "help a.b text");
        Check("# TYPE a counter\n# TYPE b untyped\n", "type a counter", "type b unknown");
        Check("#HELP a\n# HELPX\n#\n# hello\n#", "comment HELP a", "comment HELPX", "comment ", "comment hello", "comment ");
        Check("# TYPE a counter \n", "error 8: line 1: got metric type \"counter \", want counter, gauge, histogram, summary or untyped");
        Check("# TYPE a\n", "error 8: line 1: got metric type nothing, want counter, gauge, histogram, summary or untyped");
        Check("# HELP \na 1\n", "error 7: line 1: got end of line, want a metric name");
    }

    [Fact]
    public void Text_errors_name_line_and_place()
    {
        void Check(string body, string want) => Assert.Equal(want, Read(body, ExpositionFormat.Text)[^1]);

        Check("a\n", "error 1: line 1: cannot parse the value: got nothing, want a float");
        Check("a 1\nb x\n", "error 6: line 2: cannot parse the value: got \"x\", want a float");
        Check("a 1_0\n", "error 2: line 1: cannot parse the value: got \"1_0\", want a float");
        Check("a 1e999\n", "error 2: line 1: cannot parse the value: got \"1e999\", want a float");
        Check("a 1 x\n", "error 4: line 1: got \"x\", want a timestamp in milliseconds or the end of the line");
        Check("a 1 1.5\n", "error 5: line 1: got \".\", want the end of the line after the timestamp");
        Check("a 1 99999999999999999999\n", "error 4: line 1: got \"9\", want a timestamp in milliseconds or the end of the line");
        Check("9a 1\n", "error 0: line 1: got \"9\", want a metric name");
        Check("a{b=\"c\"\n", "error 7: line 1: got end of line, want a label name or \"}\"");
        Check("a{b=\"c} 1\n", "error 4: line 1: a quoted text has no closing quote");
        Check("a{b=c} 1\n", "error 4: line 1: got \"c\", want a quoted label value");
        Check("a{b} 1\n", "error 3: line 1: got \"}\", want \"=\" after the label name");
        Check("a{b:c=\"d\"} 1\n", "error 3: line 1: got \":\", want \"=\" after the label name");
        Check("a{,} 1\n", "error 2: line 1: got \",\", want a label name or \"}\"");
        Check("a{b=\"c\",,} 1\n", "error 8: line 1: got \",\", want a label name or \"}\"");
        Check("a{\"b\"} 1\n", "error 5: line 1: the metric name is already set");
        Check("{b=\"c\"} 1\n", "error 0: line 1: the sample has no metric name");
        Check("{\"\"} 1\n", "error 3: line 1: the name in quotes is empty");
        Check("a 1\r\n", "error 2: line 1: cannot parse the value: got \"1\\r\", want a float");
        Check("a{b=\"1\",b=\"2\"} 1\n", "labels: line 1: label name \"b\" is not unique");
        Check("a{__name__=\"b\"} 1\n", "labels: line 1: label name \"__name__\" is not unique");
    }

    [Fact]
    public void Invalid_utf8_is_refused_only_where_it_stands()
    {
        var body = "good{a=\"b\"} 1\nbad{a=\"_\"} 1\n"u8.ToArray();
        body[Array.IndexOf(body, (byte)'_')] = 0xFF;
        var reader = new ExpositionReader(body, ExpositionFormat.Text);
        Assert.Equal(ExpositionEntry.Series, reader.Next());
        Assert.Equal(ExpositionEntry.Error, reader.Next());
        Assert.Equal("line 2: a name or label value is not valid UTF-8", reader.ErrorMessage);
        Assert.Equal(ExpositionEntry.Error, reader.Next());
    }

    [Fact]
    public void Bounds_of_classic_histograms_and_summaries_get_one_spelling()
    {
        void Check(string body, params string[] want) => Assert.Equal(want, Read(body, ExpositionFormat.Text));

        Check(
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_bucket{le=\"1e3\",quantile=\"1\"} 1\n",
            "type h histogram",
            "{__name__=\"h_bucket\", le=\"1.0\"} 1",
            "{__name__=\"h_bucket\", le=\"+Inf\"} 1",
            "{__name__=\"h_bucket\", le=\"1000.0\", quantile=\"1\"} 1");
        Check("# TYPE s summary\ns{quantile=\"0\",le=\"1\"} 1\n", "type s summary", "{__name__=\"s\", le=\"1\", quantile=\"0.0\"} 1");
        Check("# TYPE c counter\nc{le=\"1\"} 1\n", "type c counter", "{__name__=\"c\", le=\"1\"} 1");
    }

    [Fact]
    public void Open_metrics_is_read_with_exemplars_and_seconds()
    {
        void Check(string body, params string[] want) => Assert.Equal(want, Read(body, ExpositionFormat.OpenMetrics));

        Check("# EOF", "end");
        Check("# EOF\n", "end");
        Check(
            "# HELP a_total h\\\"x\n# TYPE a counter\n# UNIT a_seconds seconds\na_total{b=\"c\"} 1.5 1.25\na_created 7\n# EOF\n",
            "help a_total h\"x",
            "type a counter",
            "unit a_seconds seconds",
            "{__name__=\"a_total\", b=\"c\"} 1.5 @1250",
            "{__name__=\"a_created\"} 7",
            "end");
        Check("a 1 # {t=\"x\"} 0.5\n# EOF\n", "{__name__=\"a\"} 1 # {t=\"x\"} 0.5 @-1", "end");
        Check("a 1 2 # {} 0.5 3.5\n# EOF\n", "{__name__=\"a\"} 1 @2000 # {} 0.5 @3500", "end");
        Check("a{b=\"c\",} 1\n# EOF\n", "{__name__=\"a\", b=\"c\"} 1", "end");
        Check("{\"a.b\",\"c d\"=\"e\"} 1\n# EOF\n", "{__name__=\"a.b\", \"c d\"=\"e\"} 1", "end");
        Check("# TYPE a stateset\n# TYPE b info\n# TYPE c gaugehistogram\n# TYPE d unknown\n# EOF\n", "type a stateset", "type b info", "type c gaugehistogram", "type d unknown", "end");
    }

    [Fact]
    public void Open_metrics_errors_name_line_and_place()
    {
        void Check(string body, string want) => Assert.Equal(want, Read(body, ExpositionFormat.OpenMetrics)[^1]);

        Check("", "error 0: line 1: the body does not end with # EOF");
        Check("a 1\n", "error 4: line 2: the body does not end with # EOF");
        Check("a 1", "error 3: line 1: got end of body, want the end of the line");
        Check("\n# EOF\n", "error 0: line 1: got end of line, want a metric name");
        Check("# EOF\na 1\n", "error 6: line 2: there is data after # EOF");
        Check("# hello\n# EOF\n", "error 0: line 1: got a comment, want # HELP, # TYPE, # UNIT or # EOF");
        Check("a{b=\"c\", d=\"e\"} 1\n# EOF\n", "error 8: line 1: got a space, want a label name or \"}\"");
        Check("a{b=\"c\"d=\"e\"} 1\n# EOF\n", "error 7: line 1: got \"d\", want \",\" or \"}\" after the label value");
        Check("a{b=\"c\nd\"} 1\n# EOF\n", "error 4: line 1: a quoted text has no closing quote");
        Check("a  1\n# EOF\n", "error 2: line 1: cannot parse the value: got nothing, want a float");
        Check("a 1 NaN\n# EOF\n", "error 4: line 1: cannot use the timestamp: got \"NaN\", want seconds since 1970");
        Check("a 1 # {\"b\"} 1\n# EOF\n", "error 10: line 1: an exemplar has no metric name");
        Check("a 1 # {b=\"c\"}\n# EOF\n", "error 13: line 1: got end of line, want a space before the exemplar's value");
        Check("# TYPE a untyped\n# EOF\n", "error 8: line 1: got metric type \"untyped\", want one of OpenMetrics");
        Check("# UNIT a_seconds bytes\n# EOF\n", "error 16: line 1: got unit \"bytes\", want the last part of the metric name");
    }

    internal static List<string> Read(string body, ExpositionFormat format)
    {
        var found = new List<string>();
        var reader = new ExpositionReader(Encoding.UTF8.GetBytes(body), format);
        var labels = new LabelSetBuilder();
        while (true)
        {
            switch (reader.Next())
            {
                case ExpositionEntry.End:
                    if (format == ExpositionFormat.OpenMetrics)
                    {
                        found.Add("end");
                    }

                    return found;
                case ExpositionEntry.Error:
                    found.Add($"error {reader.ErrorOffset}: {reader.ErrorMessage}");
                    return found;
                case ExpositionEntry.Type:
                    found.Add($"type {Encoding.UTF8.GetString(reader.MetricName)} {Encoding.UTF8.GetString(reader.Text)}");
                    break;
                case ExpositionEntry.Help:
                    found.Add($"help {Encoding.UTF8.GetString(reader.MetricName)} {reader.ReadHelp()}");
                    break;
                case ExpositionEntry.Unit:
                    found.Add($"unit {Encoding.UTF8.GetString(reader.MetricName)} {Encoding.UTF8.GetString(reader.Text)}");
                    break;
                case ExpositionEntry.Comment:
                    found.Add($"comment {Encoding.UTF8.GetString(reader.Text)}");
                    break;
                default:
                    found.Add(reader.ReadLabels(labels) ? Show(ref reader, labels.Build()) : "labels: " + reader.ErrorMessage);
                    break;
            }
        }
    }

    private static string Show(ref ExpositionReader reader, LabelSet labels)
    {
        var timestamp = reader.TimestampMs is { } t ? string.Create(CultureInfo.InvariantCulture, $" @{t}") : "";
        var exemplar = reader.TryReadExemplar(out var e, -1)
            ? string.Create(CultureInfo.InvariantCulture, $" # {e.Labels} {FloatTextTests.Format(e.Value)} @{e.TimestampMs}")
            : "";
        return $"{labels} {FloatTextTests.Format(reader.Value)}{timestamp}{exemplar}";
    }
}

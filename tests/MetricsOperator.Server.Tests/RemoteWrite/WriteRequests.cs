using System.Net.Http.Headers;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.Server.Tests.RemoteWrite;

/// <summary>Writes remote-write messages by hand, so that the reader is not checked against itself.</summary>
internal static class WriteRequests
{
    /// <summary><c>prometheus.WriteRequest</c>, one series per sample.</summary>
    public static byte[] V1(params (LabelSet Labels, long TimestampMs, double Value)[] samples) =>
        [.. samples.SelectMany(s => V1(s.TimestampMs, s.Value, [.. s.Labels.ToPairs().Select(p => (p.Key, p.Value))]))];

    /// <summary><c>prometheus.WriteRequest</c> of one sample, whose labels are written as they are given.</summary>
    public static byte[] V1(long timestampMs, double value, params (string Name, string Value)[] labels)
    {
        using var series = new MemoryStream();
        foreach (var (name, text) in labels)
        {
            using var label = new MemoryStream();
            Field(label, 1, Encoding.UTF8.GetBytes(name));
            Field(label, 2, Encoding.UTF8.GetBytes(text));
            Field(series, 1, label.ToArray());
        }

        Field(series, 2, Sample(timestampMs, value));
        using var request = new MemoryStream();
        Field(request, 1, series.ToArray());
        return request.ToArray();
    }

    /// <summary><c>prometheus.WriteRequest</c> with one series of one sample and its exemplars, each with a label <c>id</c>.</summary>
    public static byte[] V1(LabelSet labels, long timestampMs, double value, params (string Id, double Value, long TimestampMs)[] exemplars)
    {
        using var series = new MemoryStream();
        foreach (var (name, text) in labels.ToPairs())
        {
            Field(series, 1, Label(name, text));
        }

        Field(series, 2, Sample(timestampMs, value));
        foreach (var (id, exemplarValue, exemplarTimeMs) in exemplars)
        {
            using var exemplar = new MemoryStream();
            Field(exemplar, 1, Label("id", id));
            exemplar.WriteByte((2 << 3) | 1);
            exemplar.Write(BitConverter.GetBytes(exemplarValue));
            exemplar.WriteByte(3 << 3);
            Varint(exemplar, (ulong)exemplarTimeMs);
            Field(series, 3, exemplar.ToArray());
        }

        using var request = new MemoryStream();
        Field(request, 1, series.ToArray());
        return request.ToArray();
    }

    /// <summary><c>io.prometheus.write.v2.Request</c>, one series per sample.</summary>
    public static byte[] V2(params (LabelSet Labels, long TimestampMs, double Value)[] samples)
    {
        var symbols = new List<string> { "" };
        using var timeseries = new MemoryStream();
        foreach (var (labels, timestampMs, value) in samples)
        {
            using var references = new MemoryStream();
            foreach (var text in labels.ToPairs().SelectMany(p => new[] { p.Key, p.Value }))
            {
                var index = symbols.IndexOf(text);
                if (index < 0)
                {
                    index = symbols.Count;
                    symbols.Add(text);
                }

                Varint(references, (ulong)index);
            }

            using var series = new MemoryStream();
            Field(series, 1, references.ToArray());
            Field(series, 2, Sample(timestampMs, value));
            Field(timeseries, 5, series.ToArray());
        }

        using var request = new MemoryStream();
        foreach (var symbol in symbols)
        {
            Field(request, 4, Encoding.UTF8.GetBytes(symbol));
        }

        request.Write(timeseries.ToArray());
        return request.ToArray();
    }

    public static async Task<(int Status, string Text)> SendAsync(
        HttpClient client, byte[] message, string? contentType = "application/x-protobuf", string encoding = "snappy", bool compress = true)
    {
        using var content = new ByteArrayContent(compress ? SnappyBlock.Encode(message) : message);
        if (contentType is not null)
        {
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        content.Headers.ContentEncoding.Add(encoding);
        using var response = await client.PostAsync("/api/v1/write", content);
        var written = response.Headers.TryGetValues("X-Prometheus-Remote-Write-Samples-Written", out var values) ? $"written={values.Single()} " : "";
        return ((int)response.StatusCode, written + await response.Content.ReadAsStringAsync());
    }

    private static byte[] Label(string name, string text)
    {
        using var label = new MemoryStream();
        Field(label, 1, Encoding.UTF8.GetBytes(name));
        Field(label, 2, Encoding.UTF8.GetBytes(text));
        return label.ToArray();
    }

    private static byte[] Sample(long timestampMs, double value)
    {
        using var sample = new MemoryStream();
        sample.WriteByte((1 << 3) | 1);
        sample.Write(BitConverter.GetBytes(value));
        sample.WriteByte(2 << 3);
        Varint(sample, (ulong)timestampMs);
        return sample.ToArray();
    }

    private static void Field(MemoryStream stream, int number, byte[] value)
    {
        Varint(stream, (ulong)((number << 3) | 2));
        Varint(stream, (ulong)value.Length);
        stream.Write(value);
    }

    private static void Varint(MemoryStream stream, ulong value)
    {
        while (value >= 0x80)
        {
            stream.WriteByte((byte)(value | 0x80));
            value >>= 7;
        }

        stream.WriteByte((byte)value);
    }
}

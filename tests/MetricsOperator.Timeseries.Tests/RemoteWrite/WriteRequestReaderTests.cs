using System.Globalization;
using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Timeseries.Tests.RemoteWrite;

public sealed class WriteRequestReaderTests
{
    private static readonly FloatHistogram Exponential = new()
    {
        ResetHint = CounterResetHint.NotReset,
        Schema = 2,
        ZeroThreshold = 0.001,
        ZeroCount = 1.5,
        Count = 10.5,
        Sum = -3.25,
        PositiveSpans = [new(-2, 2), new(3, 1)],
        PositiveBuckets = [1, 2.5, 3],
        NegativeSpans = [new(0, 1)],
        NegativeBuckets = [2.5],
    };

    private static readonly FloatHistogram Custom = new()
    {
        Schema = FloatHistogram.CustomBucketsSchema,
        Count = 3,
        Sum = 4,
        PositiveSpans = [new(0, 3)],
        PositiveBuckets = [1, 0, 2],
        CustomValues = [0.5, 10],
    };

    [Fact]
    public void First_version_is_read_as_other_writers_write_it()
    {
        var body = Message(
            (1, Message(
                (1, Label("job", "a")),
                (1, Label("__name__", "up")),
                (2, Message((1, 1.5), (2, 1000UL))),
                (2, Message((1, double.NaN), (2, unchecked((ulong)-5L)))),
                (3, Message((1, Label("trace_id", "x")), (2, 0.5), (3, 999UL))))),
            (3, Message((1, 1UL), (2, "up"), (4, "Is it up?"), (5, "bools"))),
            (99, "unknown"),
            (1, Message((1, Label("__name__", "n")), (2, Array.Empty<byte>()))));
        Assert.Equal(
            [
                "{__name__=\"up\", job=\"a\"} 1000=1.5 -5=NaN # {trace_id=\"x\"} 0.5 @999",
                "metadata up counter bools Is it up?",
                "{__name__=\"n\"} 0=0",
                "end",
            ],
            Read(body, WriteRequestVersion.V1));
    }

    [Fact]
    public void Second_version_is_read_as_other_writers_write_it()
    {
        string[] symbols = ["", "__name__", "up", "job", "a", "trace_id", "x", "help", "unit"];
        var body = Message(
            [
                .. symbols.Select(s => (4, (object)s)),
                (5, Message(
                    (1, Packed(3, 4, 1, 2)),
                    (2, Message((1, 2.5), (2, 7UL))),
                    (4, Message((1, Packed(5, 6)), (2, 1.0), (3, 8UL))),
                    (5, Message((1, 2UL), (3, 7UL), (4, 8UL))),
                    (6, 123UL))),
            ]);
        Assert.Equal(
            ["{__name__=\"up\", job=\"a\"} metadata gauge unit help created 123 7=2.5 # {trace_id=\"x\"} 1 @8", "end"],
            Read(body, WriteRequestVersion.V2));
    }

    [Fact]
    public void Integer_histograms_become_float_histograms()
    {
        var histogram = Message(
            (1, 12UL), (3, 18.4), (4, ZigZag(1)), (5, 0.001), (6, 2UL),
            (11, Message((1, ZigZag(-1)), (2, 2UL))),
            (11, Message((1, ZigZag(1)), (2, 2UL))),
            (12, Packed(ZigZag(1), ZigZag(1), ZigZag(-1), ZigZag(0))),
            (8, Message((1, ZigZag(0)), (2, 1UL))),
            (9, Packed(ZigZag(4))),
            (14, 1UL), (15, 5000UL));
        var body = Message((1, Message((1, Label("__name__", "h")), (4, histogram))));
        Assert.Equal(["{__name__=\"h\"} 5000={count:12, sum:18.4, [-1,-0.7071067811865475):4, [-0.001,0.001]:2, (0.5,0.7071067811865475]:1, (0.7071067811865475,1]:2, (1.414213562373095,2]:1, (2,2.82842712474619]:1} Reset", "end"], Read(body, WriteRequestVersion.V1));
    }

    [Fact]
    public void Series_with_labels_that_cannot_be_are_named()
    {
        void Check(string want, params (string, string)[] labels)
        {
            var body = Message((1, Message([.. labels.Select(l => (1, (object)Label(l.Item1, l.Item2)))])));
            Assert.Equal([want, "end"], Read(body, WriteRequestVersion.V1));
        }

        Check("refused: the series has no metric name", ("a", "b"));
        Check("refused: the series has no metric name", ("__name__", ""));
        Check("refused: label name \"a\" is not unique", ("__name__", "x"), ("a", "1"), ("a", "2"));
        Check("refused: invalid label name \"\"", ("__name__", "x"), ("", "1"));
        Check("{__name__=\"x\", \"a.b\"=\"c\"}", ("__name__", "x"), ("empty", ""), ("a.b", "c"));
        var invalid = Message((1, Message((1, Label("__name__", "x")), (1, Message((1, "a"), (2, new byte[] { 0xFF }))))));
        Assert.Equal(["refused: the value of label \"a\" is not valid UTF-8", "end"], Read(invalid, WriteRequestVersion.V1));
        var symbols = Message((4, ""), (4, "__name__"), (5, Message((1, Packed(1, 9)))), (5, Message((1, Packed(1)))));
        Assert.Equal(["refused: a label names a symbol that does not exist", "refused: the last label has no value", "end"], Read(symbols, WriteRequestVersion.V2));
    }

    [Fact]
    public void Histograms_that_cannot_be_are_named()
    {
        void Check(string want, params (int, object)[] fields)
        {
            var body = Message((1, Message((1, Label("__name__", "h")), (4, Message(fields)))));
            Assert.Equal([$"{{__name__=\"h\"}} 0=refused: {want}", "end"], Read(body, WriteRequestVersion.V1));
        }

        Check("histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema 9", (4, ZigZag(9)));
        Check("positive side: spans need 3 buckets, have 1 buckets: histogram spans specify different number of buckets than provided", (11, Message((2, 3UL))), (12, Packed(0)));
        Check("positive side: bucket number 2 has observation count of -1: histogram has a bucket whose observation count is negative", (11, Message((2, 2UL))), (12, Packed(ZigZag(1), ZigZag(-2))));
        Check("negative side: span number 2 with offset -1: histogram has a span whose offset is negative", (8, Message((2, 1UL))), (8, Message((1, ZigZag(-1)), (2, 1UL))), (9, Packed(0, 0)));
        Check("positive side: spans need 4294967295 buckets, have 0 buckets: histogram spans specify different number of buckets than provided", (11, Message((2, (ulong)uint.MaxValue))));
        Check("custom buckets: histogram custom bounds must be in strictly increasing order, bound number 2 is not", (4, ZigZag(-53)), (16, Doubles(2, 1)));
        Check("custom buckets: got 1 bounds, want enough for 3 buckets", (4, ZigZag(-53)), (16, Doubles(1)), (11, Message((2, 3UL))), (12, Packed(0, 0, 0)));
    }

    [Fact]
    public void Malformed_messages_are_errors_with_a_place()
    {
        static void Check(byte[] body, string want) => Assert.Equal(want, Read(body, WriteRequestVersion.V1)[^1]);

        Check([0x0A], "error 1: cannot read write request: a field is longer than its message");
        Check([0x0A, 5, 1], "error 2: cannot read write request: a field is longer than its message");
        Check([0x80], "error 1: cannot read write request: a field tag is not a varint");
        Check([0x00, 0], "error 1: cannot read write request: a field has an invalid number");
        Check([0x0B], "error 1: cannot read write request: got wire type 3, want 0, 1, 2 or 5");
        Check([0x08, 1], "error 2: cannot read write request: got wire type 0 for field 1, want 2");
        Check(Message((1, Message((2, 5UL)))), "error 4: cannot read write request: got wire type 0 for field 2, want 2 in SeriesV1");
        Check(Message((1, Message((2, Message((1, 5UL)))))), "error 6: cannot read write request: got wire type 0 for field 1, want 1 in Sample");
        Check(Message((1, Message((4, Message((12, new byte[] { 0x80 })))))), "error 7: cannot read write request: a packed field of Histogram is cut off");
        Check(Message((1, Message((4, Message((13, new byte[] { 1, 2, 3 })))))), "error 9: cannot read write request: a packed field of Histogram is cut off");
    }

    [Theory]
    [InlineData(WriteRequestVersion.V1)]
    [InlineData(WriteRequestVersion.V2)]
    public void What_the_writer_writes_is_read_back(WriteRequestVersion version)
    {
        var writer = new WriteRequestWriter(version);
        for (var round = 0; round < 2; round++)
        {
            writer.Reset();
            writer.StartSeries(LabelSet.Of(("__name__", "up"), ("job", "é")), new MetricMetadata("gauge", "", "help"));
            writer.Sample(1, 2);
            writer.Sample(-1, StaleMarker.Value);
            writer.Exemplar(new Exemplar(LabelSet.Of(("trace_id", "x")), 1, 2));
            writer.StartSeries(LabelSet.Of(("__name__", "h")));
            writer.Histogram(5, Exponential);
            writer.Histogram(6, Custom);
            string metadata = version == WriteRequestVersion.V1 ? "" : " metadata gauge  help";
            Assert.Equal(
                [
                    $"{{__name__=\"up\", job=\"é\"}}{metadata} 1=2 -1=stale # {{trace_id=\"x\"}} 1 @2",
                    $"{{__name__=\"h\"}} 5={Exponential} NotReset 6={Custom} Unknown",
                    "end",
                ],
                Read(writer.ToArray(), version));
        }
    }

    [Theory]
    [InlineData(WriteRequestVersion.V1)]
    [InlineData(WriteRequestVersion.V2)]
    public void Spoiled_requests_end_in_a_value(WriteRequestVersion version)
    {
        SeededRandom.Run(random =>
        {
            var writer = new WriteRequestWriter(version);
            writer.StartSeries(LabelSet.Of(("__name__", "up"), ("job", "a")), new MetricMetadata("gauge", "unit", "help"));
            writer.Sample(1, 2);
            writer.Exemplar(new Exemplar(LabelSet.Of(("trace_id", "x")), 1, 2));
            writer.StartSeries(LabelSet.Of(("__name__", "h")));
            writer.Histogram(5, Exponential);
            writer.Histogram(6, Custom);
            var request = writer.ToArray();
            var labels = new LabelSetBuilder();
            for (var i = 0; i < 200_000; i++)
            {
                var spoiled = (byte[])request.Clone();
                for (var n = random.Next(1, 3); n > 0; n--)
                {
                    spoiled[random.Next(spoiled.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)random.Next(24);
                }

                var reader = new WriteRequestReader(spoiled.AsSpan(0, random.Next(4) == 0 ? random.Next(spoiled.Length) : spoiled.Length), version);
                var entries = 0;
                WriteRequestEntry entry;
                while ((entry = reader.Next()) is not (WriteRequestEntry.End or WriteRequestEntry.Error))
                {
                    Assert.True(++entries < 1000);
                    var ok = reader.TryReadLabels(labels, out var problem);
                    Assert.Equal(ok, problem is null);
                    while (reader.NextSample(out _, out _))
                    {
                    }

                    while (reader.NextHistogram(out _, out var histogram, out problem))
                    {
                        Assert.Equal(histogram is null, problem is not null);
                        Assert.Null(histogram?.FindProblem());
                    }

                    while (reader.NextExemplar(out _))
                    {
                    }
                }

                Assert.Equal(entry == WriteRequestEntry.Error, reader.ErrorMessage.Length > 0);
            }
        });
    }

    /// <summary>A field that nobody knows makes a series take the general path, which has to find the same.</summary>
    [Fact]
    public void Plain_series_are_what_the_general_path_makes_of_them()
    {
        SeededRandom.Run(random =>
        {
            var plain = 0;
            for (var i = 0; i < 50_000; i++)
            {
                var fields = new List<(int, object)>();
                for (var labels = random.Next(5); labels > 0; labels--)
                {
                    var name = new[] { "__name__", "a", "b", "" }[random.Next(4)];
                    fields.Add((1, random.Next(4) == 0 ? Message((1, name)) : Label(name, new string('v', random.Next(200)))));
                }

                for (var samples = random.Next(4); samples > 0; samples--)
                {
                    fields.Add((2, random.Next(5) switch
                    {
                        0 => Array.Empty<byte>(),
                        1 => Message((2, (ulong)random.NextInt64())),
                        2 => Message((1, random.NextDouble())),
                        _ => Message((1, random.NextDouble()), (2, (ulong)random.Next(1000))),
                    }));
                }

                if (random.Next(3) == 0)
                {
                    var moved = fields.Count == 0 ? (1, (object)Label("c", "d")) : fields[0];
                    fields.RemoveRange(0, Math.Min(1, fields.Count));
                    fields.Add(moved);
                }

                var series = Message([.. fields]);
                for (var spoil = random.Next(3); spoil > 0 && series.Length > 0; spoil--)
                {
                    series[random.Next(series.Length)] = (byte)random.Next(24);
                }

                var request = Message((1, series));
                var reader = new WriteRequestReader(request);
                if (reader.Next() != WriteRequestEntry.Series || reader.PlainLabels.IsEmpty)
                {
                    continue;
                }

                plain++;
                Assert.Equal(Read(Message((1, series.Concat(Message((99, 1UL))).ToArray())), WriteRequestVersion.V1), Read(request, WriteRequestVersion.V1));
                Assert.True(request.AsSpan(reader.PlainLabelsOffset).StartsWith(reader.PlainLabels));
                var labels1 = new LabelSetBuilder();
                var labels2 = new LabelSetBuilder();
                Assert.Equal(reader.TryReadLabels(labels1, out var problem1), WriteRequestReader.TryReadLabels(reader.PlainLabels, labels2, out var problem2));
                Assert.Equal((problem1, labels1.Build()), (problem2, labels2.Build()));
                var newest = long.MinValue;
                while (reader.NextSample(out var timestampMs, out _))
                {
                    newest = Math.Max(newest, timestampMs);
                }

                Assert.Equal(newest, reader.PlainNewestMs);
            }

            Assert.InRange(plain, 10_000, 50_000);
        });
    }

    [Fact]
    public void Series_with_more_than_labels_and_floats_are_not_plain()
    {
        static bool IsPlain(params (int, object)[] fields)
        {
            var reader = new WriteRequestReader(Message((1, Message(fields))));
            Assert.Equal(WriteRequestEntry.Series, reader.Next());
            return !reader.PlainLabels.IsEmpty;
        }

        var name = (1, (object)Label("__name__", "x"));
        var sample = (2, (object)Message((1, 1.0), (2, 5UL)));
        Assert.True(IsPlain(name, sample));
        Assert.True(IsPlain(name));
        Assert.False(IsPlain(sample, name));
        Assert.False(IsPlain(name, sample, name));
        Assert.False(IsPlain(name, sample, (3, Message((2, 1.0)))));
        Assert.False(IsPlain(name, sample, (4, Message((3, 1.0)))));
        Assert.False(IsPlain((1, Message((2, "x"), (1, "__name__"))), sample));
        Assert.False(IsPlain(name, (2, Message((2, 5UL), (1, 1.0)))));
    }

    [Fact]
    public void Float_samples_allocate_nothing()
    {
        var writer = new WriteRequestWriter();
        for (var i = 0; i < 20; i++)
        {
            writer.StartSeries(LabelSet.Of(("__name__", "up"), ("job", "a"), ("i", i.ToString())));
            writer.Sample(i, i);
        }

        var body = writer.ToArray();
        var labels = new LabelSetBuilder();
        AllocationAssert.AtMost(0, () =>
        {
            var reader = new WriteRequestReader(body);
            while (reader.Next() == WriteRequestEntry.Series)
            {
                reader.TryReadLabels(labels, out _);
                while (reader.NextSample(out _, out _))
                {
                }
            }
        });
    }

    internal static List<string> Read(byte[] body, WriteRequestVersion version)
    {
        var found = new List<string>();
        var reader = new WriteRequestReader(body, version);
        var labels = new LabelSetBuilder();
        while (true)
        {
            switch (reader.Next())
            {
                case WriteRequestEntry.End:
                    found.Add("end");
                    return found;
                case WriteRequestEntry.Error:
                    found.Add($"error {reader.ErrorOffset}: {reader.ErrorMessage}");
                    return found;
                case WriteRequestEntry.Metadata:
                    found.Add($"metadata {reader.MetricFamilyName} {reader.Metadata!.Type} {reader.Metadata.Unit} {reader.Metadata.Help}");
                    break;
                default:
                    found.Add(reader.TryReadLabels(labels, out var problem) ? Show(ref reader, labels.Build()) : "refused: " + problem);
                    break;
            }
        }
    }

    private static string Show(ref WriteRequestReader reader, LabelSet labels)
    {
        var text = new StringBuilder(labels.ToString());
        if (reader.Metadata is { } metadata)
        {
            text.Append($" metadata {metadata.Type} {metadata.Unit} {metadata.Help}");
        }

        if (reader.CreatedTimestampMs != 0)
        {
            text.Append(CultureInfo.InvariantCulture, $" created {reader.CreatedTimestampMs}");
        }

        while (reader.NextSample(out var t, out var value))
        {
            text.Append(CultureInfo.InvariantCulture, $" {t}={(StaleMarker.IsStale(value) ? "stale" : value.ToString(CultureInfo.InvariantCulture))}");
        }

        while (reader.NextHistogram(out var t, out var histogram, out var problem))
        {
            text.Append(CultureInfo.InvariantCulture, $" {t}={(histogram is null ? "refused: " + problem : $"{histogram} {histogram.ResetHint}")}");
        }

        while (reader.NextExemplar(out var e))
        {
            text.Append(CultureInfo.InvariantCulture, $" # {e.Labels} {e.Value} @{e.TimestampMs}");
        }

        return text.ToString();
    }

    // An encoder of its own, so that a mistake in the product's writer cannot hide one in the reader.
    private static byte[] Message(params (int Field, object Value)[] fields)
    {
        var bytes = new List<byte>();
        foreach (var (field, value) in fields)
        {
            switch (value)
            {
                case ulong number:
                    bytes.AddRange([.. Varint((ulong)field << 3), .. Varint(number)]);
                    break;
                case double number:
                    bytes.AddRange([.. Varint(((ulong)field << 3) | 1), .. BitConverter.GetBytes(number)]);
                    break;
                default:
                    var data = value as byte[] ?? Encoding.UTF8.GetBytes((string)value);
                    bytes.AddRange([.. Varint(((ulong)field << 3) | 2), .. Varint((ulong)data.Length), .. data]);
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[] Label(string name, string value) => Message((1, name), (2, value));

    private static byte[] Packed(params ulong[] values) => [.. values.SelectMany(Varint)];

    private static byte[] Doubles(params double[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        return [.. bytes, (byte)value];
    }
}

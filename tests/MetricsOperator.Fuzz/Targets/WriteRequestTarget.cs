using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>A decompressed remote-write body; the first byte of an input, if odd, makes it 2.0.</summary>
public sealed class WriteRequestTarget : FuzzTarget
{
    private readonly LabelSetBuilder _labels = new();

    public override string Name => "write-request";

    /// <summary>An exemplar of two bytes becomes three objects with a label builder in between.</summary>
    public override AllocationBound Bound => new(16 * 1024, 512);

    public override IReadOnlyList<byte[]> Seeds()
    {
        var seeds = new List<byte[]>();
        foreach (var version in new[] { WriteRequestVersion.V1, WriteRequestVersion.V2 })
        {
            var writer = new WriteRequestWriter(version);
            writer.StartSeries(LabelSet.Of(("__name__", "up"), ("job", "a")), new MetricMetadata("gauge", "seconds", "help"));
            writer.Sample(1_600_000_000_000, 1.5);
            writer.Sample(1_600_000_015_000, -2);
            writer.Exemplar(new Exemplar(LabelSet.Of(("trace_id", "x")), 3, 1_600_000_000_000));
            seeds.Add([(byte)version, .. writer.ToArray()]);
            foreach (var histogram in Histograms.All())
            {
                writer.StartSeries(LabelSet.Of(("__name__", "h"), ("instance", "b:80"), ("job", "b")));
                writer.Histogram(1_600_000_000_000, histogram);
            }

            if (version == WriteRequestVersion.V1)
            {
                writer.Metadata("up", new MetricMetadata("counter", "u", "some help"));
            }

            seeds.Add([(byte)version, .. writer.ToArray()]);
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

        var version = (input.Span[0] & 1) == 0 ? WriteRequestVersion.V1 : WriteRequestVersion.V2;
        var body = input.Span[1..];
        var reader = new WriteRequestReader(body, version);
        var entries = 0;
        var kinds = 0UL;
        for (var entry = reader.Next(); ; entry = reader.Next(), entries++)
        {
            kinds |= 16UL << (int)entry;
            switch (entry)
            {
                case WriteRequestEntry.Series:
                    outcome.AddMessage(reader.TryReadLabels(_labels, out var problem) ? string.Empty : problem);
                    while (reader.NextSample(out _, out _))
                    {
                        kinds |= 1;
                    }

                    while (reader.NextHistogram(out _, out var histogram, out var why))
                    {
                        outcome.AddMessage(why ?? string.Empty);
                        if (histogram is null == why is null)
                        {
                            throw new InvariantException("a histogram comes with a problem, or none without");
                        }
                    }

                    while (reader.NextExemplar(out _))
                    {
                        kinds |= 2;
                    }

                    break;
                case WriteRequestEntry.Error or WriteRequestEntry.End:
                    if (reader.ErrorOffset < 0 || reader.ErrorOffset > body.Length)
                    {
                        throw new InvariantException($"the error is at {reader.ErrorOffset} of {body.Length} bytes");
                    }

                    outcome.Add(kinds);
                    outcome.AddMessage(reader.ErrorMessage);
                    return outcome.Value;
            }

            if (entries > body.Length)
            {
                throw new InvariantException("more series than bytes");
            }
        }
    }
}

using System.Buffers;
using System.Diagnostics.Metrics;
using System.Globalization;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>
/// Collects the meters of this process whose name starts with <c>MetricsOperator</c> and renders them as text 0.0.4, together with
/// <c>process_*</c> and <c>dotnet_*</c> basics. Instruments carry their exposed name (<c>prometheus_tsdb_head_series</c>); tags are labels.
/// Counters are counters, histograms classic histograms with the buckets of their advice, everything else is a gauge. Thread-safe.
/// </summary>
public sealed class MeterRegistry : IDisposable
{
    private const string MeterPrefix = "MetricsOperator";

    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    // One collection at a time. Callbacks of observable instruments run under it, so nothing that makes or drops instruments may want it.
    private readonly Lock _collecting = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private long _collection;

    /// <summary>Starts to listen; instruments published before and after are both seen.</summary>
    public MeterRegistry()
    {
        _listener.InstrumentPublished = Publish;
        _listener.MeasurementsCompleted = (_, state) => Remove((Source)state!);
        _listener.SetMeasurementEventCallback<byte>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<short>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<decimal>((_, value, tags, state) => Record((double)value, tags, state));
        _listener.Start();
    }

    /// <summary>Asks the observable instruments and writes all families, sorted by name; the process' own basics come first.</summary>
    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new MetricsTextWriter(output);
        ProcessMetrics.WriteTo(writer);
        lock (_collecting)
        {
            _collection++;
            _listener.RecordObservableInstruments();
            foreach (var family in Snapshot())
            {
                family.WriteTo(writer, _collection);
            }
        }
    }

    /// <summary>Stops listening.</summary>
    public void Dispose() => _listener.Dispose();

    private static void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        var source = (Source)state!;
        var cell = source.Family.CellFor(tags);
        cell.Record(value, source.Adds);
        if (source.Family.IsObservable)
        {
            cell.LastCollection = source.Registry._collection;
        }
    }

    private MetricFamily[] Snapshot()
    {
        lock (_lock)
        {
            return [.. _families.Values];
        }
    }

    private void Publish(Instrument instrument, MeterListener listener)
    {
        if (!instrument.Meter.Name.StartsWith(MeterPrefix, StringComparison.Ordinal))
        {
            return;
        }

        if (!LabelNames.IsLegacyValidMetricName(instrument.Name))
        {
            throw new InvalidOperationException($"cannot expose instrument {instrument.Name} of {instrument.Meter.Name}: got a name with other characters, want [a-zA-Z_:][a-zA-Z0-9_:]*");
        }

        var kind = instrument.GetType().GetGenericTypeDefinition();
        var isHistogram = kind == typeof(Histogram<>);
        var isCounter = kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>);
        var type = isHistogram ? "histogram" : isCounter ? "counter" : "gauge";
        var adds = kind == typeof(Counter<>) || kind == typeof(UpDownCounter<>);
        lock (_lock)
        {
            if (!_families.TryGetValue(instrument.Name, out var family))
            {
                var help = string.IsNullOrEmpty(instrument.Description) ? instrument.Name : instrument.Description;
                family = new MetricFamily(instrument.Name, type, help, isHistogram ? BoundsOf(instrument) : null, instrument.IsObservable);
                _families.Add(instrument.Name, family);
            }
            else if (family.Type != type || family.IsObservable != instrument.IsObservable)
            {
                throw new InvalidOperationException($"cannot expose instrument {instrument.Name} of {instrument.Meter.Name}: got a {kind.Name}, want the same kind as the {family.Type} that has this name already");
            }

            family.Instruments++;
            listener.EnableMeasurementEvents(instrument, new Source(this, family, adds));
        }
    }

    private void Remove(Source source)
    {
        lock (_lock)
        {
            if (--source.Family.Instruments == 0)
            {
                _families.Remove(source.Family.Name);
            }
        }
    }

    private static double[] BoundsOf(Instrument instrument)
    {
        double[]? bounds = instrument switch
        {
            Histogram<double> h => h.Advice?.HistogramBucketBoundaries?.ToArray(),
            Histogram<float> h => h.Advice?.HistogramBucketBoundaries?.Select(b => double.Parse(b.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)).ToArray(),
            Histogram<long> h => h.Advice?.HistogramBucketBoundaries?.Select(b => (double)b).ToArray(),
            Histogram<int> h => h.Advice?.HistogramBucketBoundaries?.Select(b => (double)b).ToArray(),
            _ => null,
        };
        return bounds ?? DefaultBounds;
    }

    // What a measurement brings back: whose it is, and whether it adds to the value or replaces it.
    private sealed record Source(MeterRegistry Registry, MetricFamily Family, bool Adds);
}

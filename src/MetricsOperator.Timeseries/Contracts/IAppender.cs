using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Contracts;

/// <summary>
/// One transaction of samples: a scrape, a remote-write request, a rule evaluation. Used by one thread; ends with exactly one of
/// <see cref="Commit"/>, <see cref="Rollback"/> or Dispose (which rolls back). Readers see all of a commit or nothing of it.
/// </summary>
public interface IAppender : IDisposable
{
    /// <summary>Finds the series or creates it. <see cref="SeriesRef.None"/> with <see cref="AppendOutcome.LimitReached"/> when it may not be created.</summary>
    SeriesRef GetOrCreate(LabelSet labels, out AppendOutcome outcome);

    /// <summary>Adds a float sample; the timestamp is milliseconds since 1970.</summary>
    AppendOutcome Append(SeriesRef series, long timestampMs, double value);

    /// <summary>Adds float samples one after another; how each of them fares does not depend on the others.</summary>
    /// <param name="samples">What to add.</param>
    /// <param name="outcomes">Gets what became of each sample; as long as <paramref name="samples"/>.</param>
    void Append(ReadOnlySpan<SeriesSample> samples, Span<AppendOutcome> outcomes)
    {
        for (var i = 0; i < samples.Length; i++)
        {
            outcomes[i] = Append(samples[i].Series, samples[i].TimestampMs, samples[i].Value);
        }
    }

    /// <summary>Adds a native histogram sample; the object belongs to the appender from here on.</summary>
    AppendOutcome Append(SeriesRef series, long timestampMs, FloatHistogram histogram);

    /// <summary>Adds an exemplar; best effort, never fails a transaction.</summary>
    void AppendExemplar(SeriesRef series, Exemplar exemplar);

    /// <summary>Records metadata of the series' metric; best effort.</summary>
    void SetMetadata(SeriesRef series, MetricMetadata metadata);

    /// <summary>Makes the transaction durable (write-ahead log) and then visible.</summary>
    /// <exception cref="StorageException">The log could not be written; nothing of the transaction is visible.</exception>
    void Commit();

    /// <summary>Forgets the samples of the transaction.</summary>
    void Rollback();
}

/// <summary>A float sample and the series that it belongs to; the timestamp is milliseconds since 1970.</summary>
public readonly record struct SeriesSample(SeriesRef Series, long TimestampMs, double Value);

/// <summary>A storage that accepts samples.</summary>
public interface IAppendable
{
    /// <summary>Starts a transaction.</summary>
    IAppender CreateAppender();
}

/// <summary>The storage cannot do what was asked: disk full, I/O error, corrupt data. The message names file and offset where known.</summary>
public sealed class StorageException : Exception
{
    public StorageException(string message)
        : base(message)
    {
    }

    public StorageException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Fuzz.Engine;

/// <summary>What one input may allocate: a fixed part and so many bytes per input byte.</summary>
public readonly record struct AllocationBound(int Fixed, int PerByte)
{
    public long For(int length) => Fixed + ((long)PerByte * length);

    public override string ToString() => $"{Fixed / 1024} KiB + {PerByte} n";
}

/// <summary>A reader of bytes from outside, with valid inputs to start from.</summary>
public abstract class FuzzTarget : IDisposable
{
    public abstract string Name { get; }

    /// <summary>What an input may make the reader allocate; a declared length is no reason to.</summary>
    public abstract AllocationBound Bound { get; }

    /// <summary>What this input may allocate.</summary>
    public virtual long AllowedFor(ReadOnlySpan<byte> input) => Bound.For(input.Length);

    /// <summary>Inputs do not grow beyond this.</summary>
    public virtual int MaxInputBytes => 4096;

    /// <summary>How many inputs of other targets one input of this is worth in time.</summary>
    public virtual int Cost => 1;

    /// <summary>True if the format has checksums; most inputs then get right ones, so that the decoder behind is reached.</summary>
    public virtual bool HasChecksums => false;

    /// <summary>Texts that mean something in the format.</summary>
    public virtual IReadOnlyList<byte[]> Dictionary => [];

    /// <summary>Valid inputs.</summary>
    public abstract IReadOnlyList<byte[]> Seeds();

    /// <summary>Reads an input as the product does.</summary>
    /// <returns>A number that tells outcomes apart; inputs with a new one are mutated further.</returns>
    public abstract ulong Run(ReadOnlyMemory<byte> input);

    /// <summary>Recomputes the checksums of an input as far as its structure is intact.</summary>
    public virtual void FixChecksums(Span<byte> input)
    {
    }

    /// <summary>True for what the reader's documentation lets it throw.</summary>
    public virtual bool IsDocumented(Exception exception) => exception is StorageException;

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>A reader answered, but wrongly.</summary>
public sealed class InvariantException(string message) : Exception(message);

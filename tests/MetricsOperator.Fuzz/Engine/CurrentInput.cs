using System.IO.MemoryMappedFiles;

namespace MetricsOperator.Fuzz.Engine;

/// <summary>
/// The input that is being read, in a mapped file: it survives a process that dies of a stack overflow or an access violation. Four bytes
/// length, then the input.
/// </summary>
internal sealed class CurrentInput : IDisposable
{
    private const int Capacity = 1 << 20;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public CurrentInput(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Create, null, Capacity);
        _view = _file.CreateViewAccessor(0, Capacity);
    }

    public void Set(ReadOnlySpan<byte> input)
    {
        var kept = input[..Math.Min(input.Length, Capacity - 4)];
        _view.SafeMemoryMappedViewHandle.Write(0, kept.Length);
        _view.SafeMemoryMappedViewHandle.WriteSpan(4, kept);
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}

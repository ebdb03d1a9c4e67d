using System.Buffers;
using System.Buffers.Binary;
using MetricsOperator.Timeseries.Contracts;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Files;

/// <summary>Writes a new file through a buffer and keeps the checksum of a section.</summary>
internal sealed class FileWriter : IDisposable
{
    private const int BufferBytes = 128 * 1024;

    private readonly FileLayer _files;
    private readonly SafeFileHandle _file;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
    private long _flushed;
    private int _used;
    private uint _crc = Crc32C.Start;

    /// <summary>Creates a file that must not exist.</summary>
    public FileWriter(FileLayer files, string path)
    {
        _files = files;
        Path = path;
        _file = Guard(() => files.Create(path));
    }

    public string Path { get; }

    public long Position => _flushed + _used;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _crc = Crc32C.Update(_crc, bytes);
        while (!bytes.IsEmpty)
        {
            if (_used == BufferBytes)
            {
                Flush();
            }

            var part = bytes[..Math.Min(bytes.Length, BufferBytes - _used)];
            part.CopyTo(_buffer.AsSpan(_used));
            _used += part.Length;
            bytes = bytes[part.Length..];
        }
    }

    public void Be32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        Write(bytes);
    }

    public void Be64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        Write(bytes);
    }

    /// <summary>Writes zeros up to a multiple of <paramref name="alignment"/>.</summary>
    public void Align(int alignment)
    {
        ReadOnlySpan<byte> zeros = stackalloc byte[16];
        Write(zeros[..(int)((alignment - (Position % alignment)) % alignment)]);
    }

    /// <summary>The checksum starts here.</summary>
    public void StartChecksum() => _crc = Crc32C.Start;

    /// <summary>Writes the checksum of everything since <see cref="StartChecksum"/>.</summary>
    public void WriteChecksum() => Be32(Crc32C.Finish(_crc));

    /// <summary>Overwrites four bytes that were written before.</summary>
    public void PatchBe32(long position, uint value)
    {
        Flush();
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        Guard(() => _files.Write(_file, bytes, position));
    }

    public void Flush()
    {
        if (_used > 0)
        {
            Guard(() => _files.Write(_file, _buffer.AsSpan(0, _used), _flushed));
            _flushed += _used;
            _used = 0;
        }
    }

    /// <summary>Waits until everything is on the disk.</summary>
    public void Sync()
    {
        Flush();
        Guard(() => _files.Sync(_file));
    }

    public void Dispose()
    {
        _file.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private void Guard(Action action) => Guard(() =>
    {
        action();
        return 0;
    });

    private T Guard<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (IOException e)
        {
            throw new StorageException($"cannot write {Path}: {e.Message}", e);
        }
    }
}

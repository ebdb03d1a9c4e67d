using System.Buffers;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using Microsoft.Win32.SafeHandles;

namespace MetricsOperator.Tsdb.Head;

/// <content>Reading single chunks.</content>
internal sealed partial class HeadChunkFiles
{
    /// <summary>Names these files to <see cref="HeadChunkWindows"/>, which outlive them.</summary>
    private readonly object _key = new();
    private long _fileReads;

    /// <summary>True once a chunk could not be read: a start that reads the files and the whole log has its samples.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Reads of the files so far, of which one may bring many chunks.</summary>
    public long FileReads => Interlocked.Read(ref _fileReads);

    /// <summary>Reads a chunk's data into a buffer of the shared array pool, which is exchanged for a larger one when it is too small.</summary>
    /// <exception cref="StorageException">The file is gone or damaged there.</exception>
    public ReadOnlyMemory<byte> Read(ulong diskRef, ref byte[] buffer, out ChunkEncoding encoding)
    {
        var number = (int)(diskRef >> 32);
        var offset = (long)(uint)diskRef;
        var windows = HeadChunkWindows.OfThread;
        var bytes = windows.Find(_key, number, offset);
        var length = LengthAt(bytes);
        if (length == 0 || length > bytes.Length)
        {
            SafeFileHandle handle;
            long end;
            lock (_gate)
            {
                if (Find(number) is not { } file)
                {
                    throw Unreadable(number, offset, "the file does not exist");
                }

                if (file == _current && offset >= file.Length)
                {
                    return Copied(_buffer.Written[(int)(offset - file.Length)..], number, offset, ref buffer, out encoding);
                }

                (handle, end) = (file.Handle, file == _current ? file.Length : long.MaxValue);
            }

            // Behind its length a file that is being written may hold part of what is written next.
            Interlocked.Increment(ref _fileReads);
            bytes = windows.Read(_key, number, handle, offset, end);
            length = LengthAt(bytes);
            if (length > bytes.Length && length <= Math.Min(end, RandomAccess.GetLength(handle)) - offset)
            {
                return ReadLarge(handle, length, number, offset, ref buffer, out encoding);
            }
        }

        return Copied(bytes, number, offset, ref buffer, out encoding);
    }

    /// <summary>Where a whole chunk, header and checksum included, has its data.</summary>
    /// <exception cref="StorageException">It does not match its checksum.</exception>
    internal static Range DataRange(ReadOnlySpan<byte> chunk, string path, long offset, out ChunkEncoding encoding) =>
        TryFindData(chunk, out encoding, out var range)
            ? range
            : throw new StorageException($"cannot read head chunk in {path} at offset {offset}: the checksum does not match");

    // Length of the whole chunk, or 0 when the bytes cannot be one.
    internal static int LengthAt(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes);
        reader.Bytes(ChunkHeader);
        var data = reader.Uvarint();
        return reader.Failed || data > MaxFileBytes ? 0 : reader.Position + (int)data + 4;
    }

    private static bool TryFindData(ReadOnlySpan<byte> chunk, out ChunkEncoding encoding, out Range range)
    {
        var reader = new ByteReader(chunk);
        reader.Bytes(ChunkHeader - 1);
        encoding = (ChunkEncoding)(reader.U8() & ~HeadChunkScan.LateFlag);
        var data = (int)reader.Uvarint();
        var start = reader.Position;
        reader.Bytes(data);
        var covered = reader.Position;
        var checksum = reader.Be32();
        range = start..(start + data);
        return !reader.Failed && Crc32C.Of(chunk[..covered]) == checksum;
    }

    private static void Grow(ref byte[] buffer, int size)
    {
        if (buffer.Length < size)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = ArrayPool<byte>.Shared.Rent(size);
        }
    }

    private ReadOnlyMemory<byte> ReadLarge(SafeFileHandle handle, int length, int number, long offset, ref byte[] buffer, out ChunkEncoding encoding)
    {
        Grow(ref buffer, length);
        var read = DataFiles.ReadFully(handle, buffer.AsSpan(0, length), offset);
        return Data(buffer, read, number, offset, out encoding);
    }

    private ReadOnlyMemory<byte> Copied(ReadOnlySpan<byte> bytes, int number, long offset, ref byte[] buffer, out ChunkEncoding encoding)
    {
        var length = Math.Min(LengthAt(bytes), bytes.Length);
        Grow(ref buffer, length);
        bytes[..length].CopyTo(buffer);
        return Data(buffer, length, number, offset, out encoding);
    }

    private ReadOnlyMemory<byte> Data(byte[] buffer, int length, int number, long offset, out ChunkEncoding encoding) =>
        TryFindData(buffer.AsSpan(0, length), out encoding, out var range)
            ? buffer.AsMemory(0, length)[range]
            : throw Unreadable(number, offset, "the checksum does not match");

    private StorageException Unreadable(int number, long offset, string why)
    {
        IsDamaged = true;
        return new StorageException($"cannot read head chunk in {PathOf(number)} at offset {offset}: {why}");
    }
}

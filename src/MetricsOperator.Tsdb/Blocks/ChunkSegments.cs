using System.Globalization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>The chunk files of a block. A reference is the file's position (from 0) in the upper and an offset in the lower 32 bits.</summary>
internal sealed class ChunkSegments : IDisposable
{
    private readonly List<MappedFile> _files = [];

    /// <exception cref="StorageException">A file is missing or is not a chunk file.</exception>
    public ChunkSegments(string directory)
    {
        try
        {
            foreach (var (number, path) in DataFiles.Numbered(directory))
            {
                if (number != _files.Count + 1)
                {
                    throw new StorageException($"cannot open {directory}: got file {number}, want {_files.Count + 1}");
                }

                Add(new MappedFile(path));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Takes one file over, also when it is refused.</summary>
    internal ChunkSegments(MappedFile file)
    {
        try
        {
            Add(file);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public long Bytes { get; private set; }

    /// <summary>Finds a chunk and checks its checksum; the bytes are valid until Dispose.</summary>
    /// <exception cref="StorageException">There is no intact chunk at the reference.</exception>
    public ChunkData Read(ulong reference)
    {
        var number = reference >> 32;
        var offset = (long)(uint)reference;
        if (number >= (ulong)_files.Count)
        {
            throw new StorageException($"cannot read chunk {Describe(reference)}: there are {_files.Count} files");
        }

        var file = _files[(int)number];
        var head = new ByteReader(file.Span(offset, 11));
        var length = head.Uvarint();
        var encoding = (ChunkEncoding)head.U8();
        var start = offset + head.Position;
        if (head.Failed || length > (ulong)file.Length || start + (long)length + 4 > file.Length)
        {
            throw new StorageException($"cannot read chunk {Describe(reference)} of {file.Path}: the file ends before it");
        }

        var checksum = new ByteReader(file.Span(start + (long)length, 4)).Be32();
        if (Crc32C.Of(file.Span(start - 1, (int)length + 1)) != checksum)
        {
            throw new StorageException($"cannot read chunk {Describe(reference)} of {file.Path}: the checksum does not match");
        }

        return new ChunkData(file, start, (int)length, encoding);
    }

    /// <summary>File and offset of a reference.</summary>
    public static string Describe(ulong reference) => $"{((reference >> 32) + 1).ToString("D6", CultureInfo.InvariantCulture)}:{(uint)reference}";

    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }

        _files.Clear();
    }

    private void Add(MappedFile file)
    {
        _files.Add(file);
        var header = new ByteReader(file.Span(0, ChunkSegmentWriter.HeaderBytes));
        if (header.Be32() != ChunkSegmentWriter.Magic || header.U8() != 1)
        {
            throw new StorageException($"cannot open {file.Path}: wrong magic number or version");
        }

        Bytes += file.Length;
    }
}

/// <summary>Writes the chunk files of a block.</summary>
internal sealed class ChunkSegmentWriter : IDisposable
{
    public const uint Magic = 0x85BD40DD;
    public const int HeaderBytes = 8;

    private const long MaxFileBytes = 512L * 1024 * 1024;

    private readonly FileLayer _files;
    private readonly string _directory;
    private FileWriter? _file;
    private int _count;

    public ChunkSegmentWriter(FileLayer files, string directory)
    {
        _files = files;
        _directory = directory;
        files.CreateDirectory(directory);
    }

    /// <summary>Adds a chunk and returns its reference.</summary>
    public ulong Add(ChunkEncoding encoding, ReadOnlySpan<byte> data)
    {
        if (_file is null || _file.Position + data.Length + 16 > MaxFileBytes)
        {
            NextFile();
        }

        var reference = ((ulong)(_count - 1) << 32) | (ulong)_file!.Position;
        Span<byte> head = stackalloc byte[10];
        var length = 0;
        for (var rest = (uint)data.Length; ; rest >>= 7)
        {
            head[length++] = rest >= 0x80 ? (byte)(rest | 0x80) : (byte)rest;
            if (rest < 0x80)
            {
                break;
            }
        }

        _file.Write(head[..length]);
        _file.StartChecksum();
        _file.Write([(byte)encoding]);
        _file.Write(data);
        _file.WriteChecksum();
        return reference;
    }

    /// <summary>Makes everything durable.</summary>
    public void Finish()
    {
        if (_file is null)
        {
            NextFile();
        }

        _file!.Sync();
    }

    public void Dispose() => _file?.Dispose();

    private void NextFile()
    {
        _file?.Sync();
        _file?.Dispose();
        _count++;
        _file = new FileWriter(_files, Path.Combine(_directory, _count.ToString("D6", CultureInfo.InvariantCulture)));
        _file.Be32(Magic);
        _file.Write([1, 0, 0, 0]);
    }
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>One change on disk; <paramref name="Json"/> is null for a deletion.</summary>
internal sealed record JournalRecord(long Revision, string Resource, ObjectKey Key, byte[]? Json);

/// <summary>
/// The objects on disk: <c>objects.snapshot</c> holds all of them at one revision, <c>objects.journal</c> the changes since. A record is
/// handed to the operating system before its request is answered, so that a killed process loses nothing that it acknowledged. Only the
/// end of the journal may be torn; it is cut off at the next start.
/// </summary>
internal sealed class Journal : IDisposable
{
    private const int HeaderSize = 12;
    private const long MinSnapshotBytes = 8L << 20;
    private readonly string _snapshotPath;
    private readonly string _journalPath;
    private FileStream? _file;
    private long _snapshotBytes;

    private Journal(string directory)
    {
        _snapshotPath = Path.Combine(directory, "objects.snapshot");
        _journalPath = Path.Combine(directory, "objects.journal");
    }

    /// <summary>Whether the journal has outgrown the snapshot so far that a new one pays.</summary>
    public bool WantsSnapshot => _file is { } file && file.Position > Math.Max(MinSnapshotBytes, 4 * _snapshotBytes);

    public static Journal Open(string directory)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new Journal(directory);
    }

    /// <summary>All records in the order written: the snapshot's, then the changes that are newer.</summary>
    /// <exception cref="InvalidDataException">The snapshot is damaged.</exception>
    public IEnumerable<JournalRecord> ReadAll()
    {
        long snapshotRevision = 0;
        if (File.Exists(_snapshotPath))
        {
            var bytes = File.ReadAllBytes(_snapshotPath);
            var offset = 0;
            while (offset < bytes.Length)
            {
                var record = Decode(bytes, ref offset) ?? throw new InvalidDataException($"cannot read {_snapshotPath}: damaged record at offset {offset}");
                snapshotRevision = Math.Max(snapshotRevision, record.Revision);
                if (record.Resource.Length > 0)
                {
                    yield return record;
                }
            }
        }

        if (File.Exists(_journalPath))
        {
            var bytes = File.ReadAllBytes(_journalPath);
            var offset = 0;
            while (Decode(bytes, ref offset) is { } record)
            {
                if (record.Revision > snapshotRevision)
                {
                    yield return record;
                }
            }
        }
    }

    /// <summary>Writes a fresh snapshot and opens an empty journal.</summary>
    public void StartWriting(long revision, IEnumerable<(string Resource, StoredObject Object)> objects) => WriteSnapshot(revision, objects);

    public void Append(JournalRecord record) => _file!.Write(Encode(record));

    public void WriteSnapshot(long revision, IEnumerable<(string Resource, StoredObject Object)> objects)
    {
        var temporary = _snapshotPath + ".tmp";
        using (var file = new FileStream(temporary, Options(FileMode.Create, bufferSize: 1 << 16)))
        {
            foreach (var (resource, stored) in objects)
            {
                file.Write(Encode(new JournalRecord(stored.Revision, resource, stored.Key, stored.Json)));
            }

            // The counter goes on from here even when the newest change was a deletion.
            file.Write(Encode(new JournalRecord(revision, string.Empty, default, null)));
            file.Flush(flushToDisk: true);
            _snapshotBytes = file.Length;
        }

        File.Move(temporary, _snapshotPath, overwrite: true);
        _file?.Dispose();
        _file = new FileStream(_journalPath, Options(FileMode.Create, bufferSize: 0));
    }

    public void Dispose()
    {
        _file?.Flush(flushToDisk: true);
        _file?.Dispose();
    }

    private static FileStreamOptions Options(FileMode mode, int bufferSize) => new()
    {
        Mode = mode,
        Access = FileAccess.Write,
        Share = FileShare.Read,
        BufferSize = bufferSize,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    };

    /// <summary>Length (u32), first 8 bytes of the payload's SHA-256, payload: revision, resource, namespace, name, flag, JSON.</summary>
    private static byte[] Encode(JournalRecord record)
    {
        using var memory = new MemoryStream();
        memory.Write(stackalloc byte[HeaderSize]);
        using (var writer = new BinaryWriter(memory, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(record.Revision);
            writer.Write(record.Resource);
            writer.Write(record.Key.Namespace ?? string.Empty);
            writer.Write(record.Key.Name ?? string.Empty);
            writer.Write(record.Json is not null);
            if (record.Json is not null)
            {
                writer.Write(record.Json);
            }
        }

        var bytes = memory.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - HeaderSize);
        Checksum(bytes.AsSpan(HeaderSize)).CopyTo(bytes.AsSpan(4));
        return bytes;
    }

    /// <summary>The record at the offset, which moves on; null at the end or where the bytes are not a whole record.</summary>
    private static JournalRecord? Decode(byte[] bytes, ref int offset)
    {
        if (offset + HeaderSize > bytes.Length)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(offset));
        if (length < 0 || offset + HeaderSize + length > bytes.Length)
        {
            return null;
        }

        var payload = bytes.AsSpan(offset + HeaderSize, length);
        if (!Checksum(payload).AsSpan().SequenceEqual(bytes.AsSpan(offset + 4, 8)))
        {
            return null;
        }

        using var memory = new MemoryStream(bytes, offset + HeaderSize, length);
        using var reader = new BinaryReader(memory, Encoding.UTF8);
        var revision = reader.ReadInt64();
        var resource = reader.ReadString();
        var key = new ObjectKey(reader.ReadString(), reader.ReadString());
        var json = reader.ReadBoolean() ? reader.ReadBytes((int)(length - memory.Position)) : null;
        offset += HeaderSize + length;
        return new JournalRecord(revision, resource, key, json);
    }

    private static byte[] Checksum(ReadOnlySpan<byte> payload) => SHA256.HashData(payload)[..8];
}

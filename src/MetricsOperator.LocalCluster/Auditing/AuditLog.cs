using System.Buffers;
using System.Globalization;
using System.Text.Json;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Auditing;

/// <summary>One answered request.</summary>
/// <param name="User">Who asked; <c>system:local:manager</c> for the controllers of this process.</param>
/// <param name="Verb">get, list, watch, create, update, patch, apply, delete, deletecollection.</param>
/// <param name="Resource">Plural with group and subresource: <c>deployments.apps/status</c>; the path for other requests.</param>
/// <param name="Namespace">Namespace, or empty.</param>
/// <param name="Name">Name, or empty.</param>
/// <param name="Code">HTTP status.</param>
/// <param name="Before">resourceVersion before a write; 0 for none.</param>
/// <param name="After">resourceVersion after a write; equal to <paramref name="Before"/> when nothing changed.</param>
internal sealed record AuditEntry(string User, string Verb, string Resource, string Namespace, string Name, int Code, long Before, long After);

/// <summary>Appends answered requests to a file as JSON lines; does nothing without a file.</summary>
internal sealed class AuditLog : IDisposable
{
    private readonly FileStream? _file;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();

    public AuditLog(string? path, TimeProvider time)
    {
        _time = time;
        if (path is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            _file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Append,
                Access = FileAccess.Write,
                Share = FileShare.ReadWrite,
                BufferSize = 0,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
    }

    public void Write(AuditEntry entry)
    {
        if (_file is null)
        {
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, JsonDocuments.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("ts", _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
            writer.WriteString("user", entry.User);
            writer.WriteString("verb", entry.Verb);
            writer.WriteString("resource", entry.Resource);
            writer.WriteString("ns", entry.Namespace);
            writer.WriteString("name", entry.Name);
            writer.WriteNumber("code", entry.Code);
            writer.WriteNumber("rvBefore", entry.Before);
            writer.WriteNumber("rvAfter", entry.After);
            writer.WriteEndObject();
        }

        buffer.Write("\n"u8);
        lock (_gate)
        {
            _file.Write(buffer.WrittenSpan);
        }
    }

    public void Dispose() => _file?.Dispose();
}

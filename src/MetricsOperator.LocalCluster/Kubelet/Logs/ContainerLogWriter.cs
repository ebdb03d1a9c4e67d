using System.Globalization;
using System.Text;

namespace MetricsOperator.LocalCluster.Kubelet.Logs;

/// <summary>
/// Writes the output of one container run in the CRI log format: <c>TIME stdout F line</c>. At <see cref="RotateBytes"/> the file moves to
/// <c>NAME.1</c> (replacing an older one) and a new one begins. What a full disk refuses is lost: a container must not wait for its log.
/// </summary>
internal sealed class ContainerLogWriter : IAsyncDisposable
{
    /// <summary>Size at which a log file is rotated, as a kubelet's default.</summary>
    public const long RotateBytes = 10L << 20;

    private const int MaxLineBytes = 16 << 10;

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly TimeProvider _time;
    private FileStream _file;
    private long _length;

    public ContainerLogWriter(string path, TimeProvider time)
    {
        _path = path;
        _time = time;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        _file = Open();
    }

    /// <summary>Copies a stream line by line until it ends. Lines over 16 KiB are split, as a container runtime does.</summary>
    /// <param name="source">Output of the container.</param>
    /// <param name="stream">stdout or stderr.</param>
    public async Task CopyAsync(Stream source, string stream)
    {
        var buffer = new byte[MaxLineBytes];
        var held = 0;
        while (true)
        {
            var read = await source.ReadAsync(buffer.AsMemory(held));
            held += read;
            var start = 0;
            for (int end; (end = buffer.AsSpan(start, held - start).IndexOf((byte)'\n')) >= 0; start += end + 1)
            {
                Append(stream, 'F', buffer.AsSpan(start, end));
            }

            var rest = held - start;
            if (rest == buffer.Length || (read == 0 && rest > 0))
            {
                Append(stream, read == 0 ? 'F' : 'P', buffer.AsSpan(start, rest));
                rest = 0;
            }
            else
            {
                buffer.AsSpan(start, rest).CopyTo(buffer);
            }

            held = rest;
            Flush();
            if (read == 0)
            {
                return;
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        Write(() => _file.Dispose());
        return ValueTask.CompletedTask;
    }

    private void Append(string stream, char tag, ReadOnlySpan<byte> line)
    {
        var stamp = _time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff00'Z'", CultureInfo.InvariantCulture);
        var head = Encoding.ASCII.GetBytes($"{stamp} {stream} {tag} ");
        var text = line.ToArray();
        Write(() =>
        {
            if (_length > 0 && _length + head.Length + text.Length + 1 > RotateBytes)
            {
                _file.Dispose();
                File.Move(_path, _path + ".1", overwrite: true);
                _file = Open();
            }

            _file.Write(head);
            _file.Write(text);
            _file.WriteByte((byte)'\n');
            _length += head.Length + text.Length + 1;
        });
    }

    private void Flush() => Write(() => _file.Flush());

    private void Write(Action action)
    {
        lock (_gate)
        {
            try
            {
                action();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The disk is full or a rotation failed. Whoever stops reading here stops the container at its next line of output.
            }
        }
    }

    private FileStream Open()
    {
        var file = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 16 << 10);
        _length = file.Length;
        return file;
    }
}

using System.Globalization;
using System.Text;

namespace MetricsOperator.LocalCluster.Kubelet.Logs;

/// <summary>Which lines of a log to write, and how.</summary>
internal sealed record LogQuery
{
    public bool Follow { get; init; }

    /// <summary>Put the line's time before it.</summary>
    public bool Timestamps { get; init; }

    public long? TailLines { get; init; }

    /// <summary>Only lines at or after this time.</summary>
    public DateTimeOffset? Since { get; init; }

    public long? LimitBytes { get; init; }
}

/// <summary>Reads a log in the CRI format and writes the plain lines.</summary>
internal sealed class ContainerLogReader(string path, TimeProvider time)
{
    private static readonly TimeSpan FollowPeriod = TimeSpan.FromMilliseconds(200);

    /// <summary>Writes the lines; with Follow goes on until <paramref name="ended"/> says that the run is over and everything is written.</summary>
    public async Task WriteAsync(LogQuery query, Stream output, Func<bool> ended, CancellationToken cancellation)
    {
        var budget = query.LimitBytes ?? long.MaxValue;
        var tail = query.TailLines is { } wanted ? new Queue<string>((int)Math.Min(wanted, 1 << 16)) : null;
        if (File.Exists(path + ".1"))
        {
            foreach (var line in File.ReadLines(path + ".1"))
            {
                budget = await EmitAsync(query, line, tail, output, budget, cancellation);
            }
        }

        var file = Open();
        try
        {
            var reader = new LineReader(file);
            while (budget > 0)
            {
                // Asked before reading: what is written before the end is then read for sure.
                var over = ended();
                while (budget > 0 && reader.ReadLine() is { } line)
                {
                    budget = await EmitAsync(query, line, tail, output, budget, cancellation);
                }

                if (tail is not null)
                {
                    foreach (var line in tail)
                    {
                        budget = await WriteLineAsync(query, line, output, budget, cancellation);
                    }

                    tail = null;
                }

                await output.FlushAsync(cancellation);
                if (!query.Follow || over)
                {
                    return;
                }

                await Task.Delay(FollowPeriod, time, cancellation);
                if (Rotated(file))
                {
                    await file.DisposeAsync();
                    file = Open();
                    reader = new LineReader(file);
                }
            }
        }
        finally
        {
            await file.DisposeAsync();
        }
    }

    private static async Task<long> EmitAsync(
        LogQuery query, string line, Queue<string>? tail, Stream output, long budget, CancellationToken cancellation)
    {
        if (query.Since is { } since && TimeOf(line) < since)
        {
            return budget;
        }

        if (tail is null)
        {
            return await WriteLineAsync(query, line, output, budget, cancellation);
        }

        tail.Enqueue(line);
        if (tail.Count > query.TailLines)
        {
            tail.Dequeue();
        }

        return budget;
    }

    private static async Task<long> WriteLineAsync(LogQuery query, string line, Stream output, long budget, CancellationToken cancellation)
    {
        // TIME STREAM TAG CONTENT
        var parts = line.Split(' ', 4);
        if (parts.Length < 4)
        {
            return budget;
        }

        var text = (query.Timestamps ? parts[0] + " " : string.Empty) + parts[3] + (parts[2] == "F" ? "\n" : string.Empty);
        var bytes = Encoding.UTF8.GetBytes(text);
        var count = (int)Math.Min(bytes.Length, budget);
        await output.WriteAsync(bytes.AsMemory(0, count), cancellation);
        return budget - count;
    }

    private static DateTimeOffset TimeOf(string line) =>
        DateTimeOffset.TryParse(line.AsSpan(0, Math.Max(line.IndexOf(' ', StringComparison.Ordinal), 0)), CultureInfo.InvariantCulture, out var stamp)
            ? stamp
            : DateTimeOffset.MaxValue;

    private FileStream Open() => new(path, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>The writer starts a new file under the name when it rotates; the new one is shorter than what has been read here.</summary>
    private bool Rotated(FileStream file) => new FileInfo(path) is { Exists: true } there && there.Length < file.Position;

    /// <summary>Gives whole lines only; what follows the last line end is kept until the rest of the line has been written.</summary>
    private sealed class LineReader(Stream source)
    {
        private readonly byte[] _buffer = new byte[32 << 10];
        private readonly List<byte> _held = [];
        private int _start;
        private int _end;

        public string? ReadLine()
        {
            while (true)
            {
                var found = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
                if (found >= 0)
                {
                    _held.AddRange(_buffer.AsSpan(_start, found));
                    _start += found + 1;
                    var line = Encoding.UTF8.GetString([.. _held]);
                    _held.Clear();
                    return line;
                }

                _held.AddRange(_buffer.AsSpan(_start, _end - _start));
                _start = 0;
                _end = source.Read(_buffer);
                if (_end == 0)
                {
                    return null;
                }
            }
        }
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>Reads the lines of one watch answer and gives up when the connection has been silent for too long.</summary>
internal static class WatchStream
{
    private const int MaxLineBytes = 64 << 20;

    /// <exception cref="TimeoutException">Not one byte came for the watch's timeout and margin: the connection is half open.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    public static async IAsyncEnumerable<WatchEvent<T>> ReadAsync<T>(
        RequestPipeline pipeline,
        KubeRequest request,
        ResourceKind<T> kind,
        WatchOptions options,
        TimeProvider time,
        [EnumeratorCancellation] CancellationToken cancellation)
        where T : class, IKubernetesObject
    {
        var maxSilence = options.Timeout + options.IdleMargin;
        using var silence = new CancellationTokenSource(maxSilence, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellation);
        var silenceMessage = $"cannot go on with watch of {kind}: got not one byte for {maxSilence.TotalSeconds:0.###} s";
        using var response = await Guard(pipeline.OpenAsync(request, both.Token)).ConfigureAwait(false);
        options.OnOpen?.Invoke();
        var reader = PipeReader.Create(await response.Content.ReadAsStreamAsync(both.Token).ConfigureAwait(false), new StreamPipeReaderOptions(bufferSize: 16 << 10));
        try
        {
            while (true)
            {
                var read = await Guard(reader.ReadAsync(both.Token).AsTask()).ConfigureAwait(false);
                silence.CancelAfter(maxSilence);
                var buffer = read.Buffer;
                while (TryTakeLine(ref buffer, out var line))
                {
                    if (!line.IsEmpty)
                    {
                        yield return ObjectDecoder.ReadWatchLine(line, kind);
                    }
                }

                if (buffer.Length > MaxLineBytes)
                {
                    throw new IOException($"cannot go on with watch of {kind}: got an event of more than {MaxLineBytes} bytes");
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted)
                {
                    // What follows the last newline is an event that was cut off; the next watch brings it whole.
                    yield break;
                }
            }
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }

        async Task<TResult> Guard<TResult>(Task<TResult> task)
        {
            try
            {
                return await task.ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (silence.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                throw new TimeoutException(silenceMessage, e);
            }
        }
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> line)
    {
        if (buffer.PositionOf((byte)'\n') is not { } end)
        {
            line = default;
            return false;
        }

        line = buffer.Slice(0, end);
        buffer = buffer.Slice(buffer.GetPosition(1, end));
        return true;
    }
}

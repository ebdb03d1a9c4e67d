using System.Net;
using System.Net.Sockets;

namespace MetricsOperator.LocalCluster.Proxy;

/// <summary>
/// Listens on one cluster address and port and joins each connection to a ready endpoint, in turn. An endpoint that refuses is passed over; without
/// any endpoint the connection is reset, as a refused one looks from a client.
/// </summary>
internal sealed class PortForwarder : IAsyncDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(2);

    private readonly TcpListener _listener;
    private readonly Func<IReadOnlyList<IPEndPoint>> _endpoints;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private uint _next;

    /// <summary>Starts listening. Throws <see cref="SocketException"/> when the address is taken.</summary>
    public PortForwarder(IPEndPoint address, Func<IReadOnlyList<IPEndPoint>> endpoints)
    {
        _endpoints = endpoints;
        _listener = new TcpListener(address);
        _listener.Start();
        _loop = AcceptAsync(_stop.Token);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync(CancellationToken stop)
    {
        while (true)
        {
            _ = ServeAsync(await _listener.AcceptSocketAsync(stop), stop);
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken stop)
    {
        using (client)
        {
            try
            {
                using var server = await ConnectAsync(stop);
                if (server is null)
                {
                    client.LingerState = new LingerOption(enable: true, seconds: 0);
                    return;
                }

                client.NoDelay = true;
                await Task.WhenAll(PumpAsync(client, server, stop), PumpAsync(server, client, stop));
            }
            catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
            {
                // One side went away; closing both ends tells the other.
            }
        }
    }

    private async Task<Socket?> ConnectAsync(CancellationToken stop)
    {
        var endpoints = _endpoints();
        for (var attempt = 0; attempt < endpoints.Count; attempt++)
        {
            var endpoint = endpoints[(int)(Interlocked.Increment(ref _next) % (uint)endpoints.Count)];
            var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var limited = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limited.CancelAfter(ConnectLimit);
            try
            {
                await socket.ConnectAsync(endpoint, limited.Token);
                return socket;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket.Dispose();
                stop.ThrowIfCancellationRequested();
            }
        }

        return null;
    }

    /// <summary>Copies one direction and passes its end on, so that half-closed connections work.</summary>
    private static async Task PumpAsync(Socket from, Socket to, CancellationToken stop)
    {
        var buffer = new byte[32 << 10];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, stop)) > 0;)
            {
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), stop);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            // A reset takes both directions down.
            from.Close();
            to.Close();
            throw;
        }
    }
}

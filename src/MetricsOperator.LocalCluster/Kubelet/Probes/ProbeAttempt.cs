using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Processes;
using MetricsOperator.LocalCluster.Kubelet.Volumes;

namespace MetricsOperator.LocalCluster.Kubelet.Probes;

/// <summary>Makes single probe attempts against one container run.</summary>
/// <param name="podIp">Where the container listens.</param>
/// <param name="container">Its specification, for named ports.</param>
/// <param name="run">The run, for exec probes.</param>
/// <param name="paths">Translation of paths in exec commands.</param>
/// <param name="runtime">Starts exec probes.</param>
internal sealed class ProbeAttempt(string podIp, JsonObject container, ContainerRun run, PathMap paths, ContainerRuntime runtime)
{
    // A probe asks whether the port answers, not who answers: like a kubelet it does not check certificates, and it never reuses a connection.
#pragma warning disable CA5359
    private static readonly HttpClient Client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.Zero,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };
#pragma warning restore CA5359

    /// <summary>One attempt; null is success, else the message of the failure in a kubelet's words.</summary>
    public async Task<string?> TryAsync(ProbeSettings probe, CancellationToken stop)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limited.CancelAfter(probe.Timeout);
        var document = probe.Document;
        if (document.ObjectAt("httpGet") is { } http)
        {
            return await HttpAsync(http, limited.Token, stop);
        }

        if (document.ObjectAt("tcpSocket") is { } tcp)
        {
            return await TcpAsync(tcp.StringAt("host") ?? podIp, Port(tcp), limited.Token, stop);
        }

        return document.ObjectAt("exec") is { } exec
            ? await ExecAsync(exec, limited.Token, stop)
            : $"cannot run probe {document.ToJsonString()}: want httpGet, tcpSocket or exec";
    }

    private async Task<string?> HttpAsync(JsonObject http, CancellationToken limited, CancellationToken stop)
    {
        var scheme = (http.StringAt("scheme") ?? "HTTP").ToLowerInvariant();
        var path = http.StringAt("path") is { Length: > 0 } given ? given : "/";
        var host = http.StringAt("host") is { Length: > 0 } named ? named : podIp;
        var url = string.Create(CultureInfo.InvariantCulture, $"{scheme}://{host}:{Port(http)}{(path[0] == '/' ? string.Empty : "/")}{path}");
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.32");
        request.Headers.ConnectionClose = true;
        foreach (var header in http.ObjectsAt("httpHeaders"))
        {
            request.Headers.TryAddWithoutValidation(header.StringAt("name") ?? string.Empty, header.StringAt("value"));
        }

        try
        {
            using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limited);
            var status = (int)response.StatusCode;
            return status is >= 200 and < 400 ? null : string.Create(CultureInfo.InvariantCulture, $"HTTP probe failed with statuscode: {status}");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $"Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
        }
        catch (HttpRequestException e)
        {
            return $"Get \"{url}\": {Cause(e, host, Port(http))}";
        }
    }

    private static async Task<string?> TcpAsync(string host, int port, CancellationToken limited, CancellationToken stop)
    {
        using var socket = new TcpClient();
        try
        {
            await socket.ConnectAsync(host, port, limited);
            return null;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return string.Create(CultureInfo.InvariantCulture, $"dial tcp {host}:{port}: i/o timeout");
        }
        catch (SocketException e)
        {
            return Cause(e, host, port);
        }
    }

    private async Task<string?> ExecAsync(JsonObject exec, CancellationToken limited, CancellationToken stop)
    {
        var command = exec.StringsAt("command").Select(paths.Rewrite).ToList();
        var program = ProcessSpawner.FindProgram(command.FirstOrDefault() ?? string.Empty) ?? command.FirstOrDefault() ?? string.Empty;
        var plan = run.Plan with { Executable = program, Arguments = [.. command.Skip(1)] };
        var (exitCode, output) = await runtime.ExecuteAsync(plan, limited);
        if (limited.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return $"command \"{string.Join(' ', command)}\" timed out";
        }

        return exitCode == 0 ? null : output;
    }

    private int Port(JsonObject action)
    {
        if (action.LongAt("port") is { } number)
        {
            return (int)number;
        }

        var name = action.StringAt("port");
        return (int)(container.ObjectsAt("ports").FirstOrDefault(port => port.StringAt("name") == name).LongAt("containerPort") ?? 0);
    }

    private static string Cause(Exception e, string host, int port) =>
        (e as SocketException ?? e.InnerException as SocketException)?.SocketErrorCode == SocketError.ConnectionRefused
            ? string.Create(CultureInfo.InvariantCulture, $"dial tcp {host}:{port}: connect: connection refused")
            : e.Message;
}

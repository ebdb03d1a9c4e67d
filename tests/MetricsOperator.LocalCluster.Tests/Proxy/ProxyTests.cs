using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Proxy;
using MetricsOperator.LocalCluster.Tests.Controllers;
using MetricsOperator.LocalCluster.Tests.Kubelet;
using MetricsOperator.TestKit;

namespace MetricsOperator.LocalCluster.Tests.Proxy;

public sealed class ProxyTests
{
    [Fact]
    public async Task Forwarder_passes_over_an_endpoint_that_refuses_and_carries_half_closed_streams()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var answering = AnswerAsync(server);
        var dead = new IPEndPoint(IPAddress.Parse("127.0.0.9"), 1);
        await using var forwarder = new PortForwarder(new IPEndPoint(IPAddress.Loopback, 0), () => [dead, (IPEndPoint)server.LocalEndpoint]);

        using var client = new TcpClient();
        await client.ConnectAsync(forwarder.Address);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("ping"));
        client.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);

        Assert.Equal("got ping", await reader.ReadToEndAsync());
        await answering;
    }

    [Fact]
    public async Task Forwarder_without_endpoints_resets_the_connection()
    {
        await using var forwarder = new PortForwarder(new IPEndPoint(IPAddress.Loopback, 0), () => []);

        // Depending on who is faster, the reset shows while connecting or while reading.
        var thrown = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var client = new TcpClient();
            await client.ConnectAsync(forwarder.Address);
            await client.GetStream().ReadExactlyAsync(new byte[1]);
        });

        Assert.Equal(SocketError.ConnectionReset, ((thrown as SocketException) ?? thrown.InnerException as SocketException)?.SocketErrorCode);
    }

    [Fact]
    public async Task Ingress_and_cluster_address_reach_a_ready_endpoint_and_say_so_when_there_is_none()
    {
        await using var node = await TestNode.StartAsync();
        await using var services = new ServiceProxy(node.Services);
        await services.StartAsync(CancellationToken.None);
        await using var ingress = new IngressProxy(node.Services);
        await ingress.StartAsync(CancellationToken.None);
        using var http = new HttpClient { BaseAddress = node.Services.IngressUrl };
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/")).StatusCode);

        var service = node.Api.Create("services", "default", ControllerSetTests.Service("web", "app", "web", 80, 8080), "test");
        node.Api.Create("networking.k8s.io/ingresses", "default", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "web" },
            ["spec"] = new JsonObject { ["defaultBackend"] = new JsonObject { ["service"] = new JsonObject { ["name"] = "web", ["port"] = new JsonObject { ["number"] = 80 } } } },
        }, "test");
        await Eventually.True(async () => (await http.GetAsync("/")).StatusCode == HttpStatusCode.ServiceUnavailable, "no endpoint yet");

        using var listener = new TcpListener(IPAddress.Parse("127.0.0.1"), 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var serving = ServeHttpAsync(listener);
        node.Api.Create("discovery.k8s.io/endpointslices", "default", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "web-manual", ["labels"] = new JsonObject { ["kubernetes.io/service-name"] = "web" } },
            ["addressType"] = "IPv4",
            ["endpoints"] = new JsonArray(new JsonObject { ["addresses"] = new JsonArray("127.0.0.1"), ["conditions"] = new JsonObject { ["ready"] = true } }),
            ["ports"] = new JsonArray(new JsonObject { ["name"] = "", ["port"] = port, ["protocol"] = "TCP" }),
        }, "test");

        await Eventually.True(async () => await http.GetStringAsync("/some?q=%2F1") == "GET /some?q=%2F1", "the request arrives as it was sent");
        using var direct = new HttpClient();
        await Eventually.True(async () => await direct.GetStringAsync($"http://{service.StringAt("spec", "clusterIP")}:80/x") == "GET /x", "the cluster address answers");
        await Eventually.True(() => node.Api.Get("networking.k8s.io/ingresses", "default", "web")!["status"]!["loadBalancer"]!["ingress"]![0].StringAt("ip") == "127.0.0.1", "the address is in the status");

        var stored = node.Api.Get("services", "default", "web")!;
        stored["spec"]!["ports"]![0]!["name"] = "http";
        node.Api.Update("services", stored, "test");
        var slice = node.Api.Get("discovery.k8s.io/endpointslices", "default", "web-manual")!;
        slice["ports"]![0]!["name"] = "http";
        node.Api.Update("discovery.k8s.io/endpointslices", slice, "test");
        await Eventually.True(
            async () => await direct.GetStringAsync($"http://{service.StringAt("spec", "clusterIP")}:80/y") == "GET /y", "the cluster address answers after its port was renamed");
        listener.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => serving);
    }

    private static async Task AnswerAsync(TcpListener server)
    {
        using var client = await server.AcceptTcpClientAsync();
        using var reader = new StreamReader(client.GetStream());
        var text = await reader.ReadToEndAsync();
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("got " + text));
    }

    private static async Task ServeHttpAsync(TcpListener listener)
    {
        while (true)
        {
            using var client = await listener.AcceptTcpClientAsync();
            using var reader = new StreamReader(client.GetStream());
            var line = await reader.ReadLineAsync() ?? "";
            while (!string.IsNullOrEmpty(await reader.ReadLineAsync()))
            {
            }

            var body = line.Replace(" HTTP/1.1", "", StringComparison.Ordinal);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
        }
    }
}

using System.Net.Http.Headers;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>Sends samples by remote write.</summary>
internal static class RemoteWrites
{
    /// <summary>Sends a request, which the server must take.</summary>
    /// <exception cref="HttpRequestException">The server is gone.</exception>
    public static async Task WriteAsync(this HttpClient http, WriteRequestWriter request)
    {
        using var body = new ByteArrayContent(SnappyBlock.Encode(request.ToArray()));
        body.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        body.Headers.ContentEncoding.Add("snappy");
        using var answer = await http.PostAsync("api/v1/write", body, CancellationToken.None);
        Assert.True(answer.IsSuccessStatusCode, $"remote write: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(CancellationToken.None)}");
    }
}
